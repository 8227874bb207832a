#pragma once
// What a reward model's checkpoint remembers of its scores: a mean that is to be 0, and their spread.
#include <string>

#include "engine/base/file.h"

namespace gradus {

struct ScoreFacts {
    double mean = 0, sd = 1;
};

std::string json_of(const ScoreFacts&);
// From a checkpoint's `stage`, which is in that file.
ScoreFacts score_facts_of(const std::string& stage, const fs::path& file);
// Of a folder that gradus reward wrote; those above of any other.
ScoreFacts score_facts(const fs::path& folder);

}  // namespace gradus
