#include "engine/base/error.h"

#include "engine/base/one_line.h"

namespace gradus {

std::string Error::text() const {
    return "error: " + on_one_line(what()) + "\n  cause: " + on_one_line(cause) + "\n  fix:   " + on_one_line(fix);
}

}  // namespace gradus
