#pragma once
// Pre-training text beside what a stage learns from: rows of the training shard of data.dir.
#include <string>

#include "tokenizer/tokenizer.h"
#include "tools/train/data.h"

namespace gradus {

struct PretrainingText {
    NextBatch rows;        // in the order of pre-training
    std::string identity;  // of the shard and its tokenizer
};
// Error if the folder's tokenizer is not `own`.
PretrainingText open_pretraining_text(const fs::path& data_dir, const Tokenizer& own, int context, uint64_t seed);

}  // namespace gradus
