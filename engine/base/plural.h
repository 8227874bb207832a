#pragma once
// "1 layer", "2 layers", "12,000 steps".
#include "engine/base/log.h"

namespace gradus {

// `many`: the plural, if it is not `one` with an s.
inline std::string number_of(int64_t n, const std::string& one, const std::string& many = "") {
    return text_of_whole(n) + " " + (n == 1 ? one : many.empty() ? one + "s" : many);
}

}  // namespace gradus
