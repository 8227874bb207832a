// The five behaviors.
#include "tokenizer/split/cut.h"

#include <algorithm>

namespace gradus {

namespace {

// Joins each part with the one before it in `parts` where joins(it matches, the one before matched) says so.
template <class Joins>
void join_parts(std::vector<TextPart>& parts, Joins&& joins) {
    size_t kept = 0;
    bool previous_match = false;
    for (const TextPart part : parts) {
        const bool join = kept > 0 && joins(part.is_match, previous_match);
        previous_match = part.is_match;
        if (join) {
            TextPart& before = parts[kept - 1];
            before = {std::min(before.begin, part.begin), std::max(before.end, part.end), false};
        } else {
            parts[kept++] = {part.begin, part.end, false};
        }
    }
    parts.resize(kept);
}

}  // namespace

void apply_behavior(std::vector<TextPart>& parts, parts::SplitBehavior behavior) {
    const auto first_match = [](bool match, bool previous) { return match && !previous; };
    switch (behavior) {
        case parts::SplitBehavior::removed: return;
        case parts::SplitBehavior::isolated:
            for (TextPart& part : parts) part.is_match = false;
            return;
        case parts::SplitBehavior::contiguous:
            return join_parts(parts, [](bool match, bool previous) { return match == previous; });
        case parts::SplitBehavior::merged_with_previous: return join_parts(parts, first_match);
        case parts::SplitBehavior::merged_with_next:
            std::reverse(parts.begin(), parts.end());
            join_parts(parts, first_match);
            std::reverse(parts.begin(), parts.end());
            return;
    }
}

}  // namespace gradus
