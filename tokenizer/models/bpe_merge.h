#pragma once
// Merging the tokens of a piece: the pair with the lowest rank first, the leftmost on a tie. Tokens are changed in
// place; the functions return how many are left.
#include <cstddef>
#include <functional>

#include "tokenizer/models/model_token.h"
#include "tokenizer/models/pair_ranks.h"

namespace gradus {

// For up to this many tokens, looking at all ranks for each merge is fastest.
inline constexpr size_t longest_merge_scan = 64;

// count <= longest_merge_scan.
size_t merge_by_scan(const PairRanks& ranks, ModelToken* tokens, size_t count);

// n log n steps. `pass_over`, if any, says for each best pair whether to leave it until another one is merged.
size_t merge_by_heap(const PairRanks& ranks, ModelToken* tokens, size_t count,
                     const std::function<bool()>& pass_over = {});

}  // namespace gradus
