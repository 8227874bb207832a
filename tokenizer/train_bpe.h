#pragma once
// Trains a byte-level BPE.
//
// Ids: the special tokens in the given order, the 256 bytes in the order of their letters in GPT-2's byte alphabet,
// then one token per merge. Merges: while the vocabulary has room, the adjacent pair that occurs most often in the
// pieces of the corpus (a piece that occurs n times counts n times); on a tie the pair with the lower left id, then the
// lower right id. Tokens and merges are those of Hugging Face's BpeTrainer with ByteLevel(add_prefix_space=False) and
// the ByteLevel alphabet, as long as the library's 32-bit counts suffice; ours have 64 bits.
//
// The result depends only on the texts, not on their order or on the number of threads. Cost: one pass over the corpus,
// then time and memory proportional to its distinct pieces.
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tokenizer/text_source.h"
#include "tokenizer/tokenizer.h"

namespace gradus {

struct BpeTrainingProgress {
    uint64_t texts = 0, bytes = 0;       // counted so far
    uint64_t pieces = 0;                 // distinct pieces; 0 until counting is finished
    int64_t merges = 0, all_merges = 0;  // all_merges: as many as the vocabulary has room for
};

struct BpeTraining {
    int32_t vocab_size = 32768;
    KnownPattern pattern = KnownPattern::gpt2;
    std::vector<std::string> specials = {std::string(end_of_text_token)};
    int64_t min_frequency = 0;                                 // pairs that occur less often are not merged
    int threads = 1;                                           // for counting; merging uses one thread
    std::function<void(const BpeTrainingProgress&)> progress;  // called from time to time, by one thread; may be empty
};

// The vocabulary is smaller than requested if the corpus runs out of pairs. Error: a vocabulary too small for the bytes
// and the special tokens, a special token that ordinary text could be merged into, a corpus without text.
Tokenizer train_bpe(const TextSource& next, const BpeTraining& training);

}  // namespace gradus
