#pragma once
// A file of a mixture with its weight, as a user writes it: "chat.jsonl" or "chat.jsonl@0.5".
//
// The weight is how many times an epoch has each example, on average (sample_rows.h). A file that is called so, with
// the "@", has the weight 1.
#include <string>

#include "engine/base/file.h"

namespace gradus {

struct WeightedFile {
    fs::path path;
    double weight = 1;
};

// Error if what follows the last "@" is not a number between 0.001 and 1000.
WeightedFile weighted_file(const std::string& text);

}  // namespace gradus
