#pragma once
// Training byte-level BPE.
//
// Ids: the special tokens in the order given, the 256 bytes in the order of their letters in GPT-2's byte alphabet,
// then one token for each merge. Merges: while the vocabulary has room, the pair of neighbours that occurs most often
// in the pieces of the corpus (a piece that occurs n times counts n times); on a tie the pair with the lower left id,
// then the lower right id. Tokens and merges are those of Hugging Face's BpeTrainer with
// ByteLevel(add_prefix_space=False) and the ByteLevel alphabet, for corpora that its 32-bit counts can hold; ours
// have 64 bits.
//
// The result depends on the texts alone, not on their order or on the number of threads. Cost: one pass over the
// corpus, then time and memory by its distinct pieces.
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tokenizer/text_source.h"
#include "tokenizer/tokenizer.h"

namespace gradus {

struct BpeTrainingProgress {
    uint64_t texts = 0, bytes = 0;       // counted so far
    uint64_t pieces = 0;                 // distinct ones; 0 until counting is over
    int64_t merges = 0, all_merges = 0;  // all_merges: those that the vocabulary has room for
};

struct BpeTraining {
    int32_t vocab_size = 32768;
    std::vector<std::string> specials = {std::string(end_of_text_token)};
    int64_t min_frequency = 0;                                 // a pair that occurs less often is not merged
    int threads = 1;                                           // for counting; merging is one thread's work
    std::function<void(const BpeTrainingProgress&)> progress;  // now and then, by one thread at a time; may be empty
};

// The vocabulary is smaller than asked for when the corpus runs out of pairs. Error: a vocabulary that cannot hold the
// bytes and the specials, a special that ordinary text could be merged into, a corpus without text.
Tokenizer train_bpe(const TextSource& next, const BpeTraining& training);

}  // namespace gradus
