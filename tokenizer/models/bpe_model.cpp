// General byte-pair encoding: from characters to tokens.
#include "tokenizer/models/bpe_model.h"

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/philox.h"
#include "tokenizer/models/bpe_merge.h"
#include "tokenizer/models/word_cache.h"
#include "tokenizer/unicode.h"

namespace gradus {

namespace {

constexpr const char* copy_again = "copy the tokenizer again from its source";

Utf8Char char_at(std::string_view text, size_t at) { return decode_utf8(text.data() + at, text.data() + text.size()); }

// Where the last character of a text begins. The text is not empty.
size_t last_char(std::string_view text) {
    size_t at = text.size() - 1;
    while (at > 0 && text.size() - at < 4 && (uint8_t(text[at]) & 0xC0) == 0x80) --at;
    return at;
}

std::vector<DoubleArray::Entry> entries_of(const std::vector<int32_t>& ids, const TokenNames& names) {
    std::vector<DoubleArray::Entry> entries;
    for (const int32_t id : ids) {
        if (id < 0 || size_t(id) >= names.size())
            throw Error("the vocabulary has no token " + std::to_string(id) + ", which is a user-defined one",
                        "it has " + std::to_string(names.size()) + " tokens", copy_again);
        entries.push_back({names[size_t(id)], id});
    }
    return entries;
}

}  // namespace

BpeModel::BpeModel(const parts::Bpe& parts, const TokenNames& names, const BpeRules& rules)
    : options_{{},
               parts.dropout,
               parts.unknown,
               parts.continuing_prefix,
               parts.end_of_word_suffix,
               parts.fuse_unknown,
               parts.byte_fallback,
               parts.ignore_merges},
      ids_(ids_of_names(names)),
      user_defined_(entries_of(rules.user_defined, names)),
      has_user_defined_(!rules.user_defined.empty()),
      id_of_byte_(ids_of_bytes(ids_)),
      ranks_(parts.merges.size()),
      owner_(WordCache::new_owner()) {
    if (parts.dropout && !(*parts.dropout >= 0 && *parts.dropout <= 1))
        throw Error("the tokenizer's dropout is not between 0 and 1", "it is the probability of leaving out a merge",
                    copy_again);
    if (!rules.ranks.empty() && rules.ranks.size() != parts.merges.size())
        throw Error("the tokenizer's merges and their ranks differ in number",
                    std::to_string(parts.merges.size()) + " merges, " + std::to_string(rules.ranks.size()) + " ranks",
                    copy_again);
    if (parts.unknown) unknown_id_ = ids_.find(*parts.unknown);
    for (size_t i = 0; i < parts.merges.size(); ++i) {
        const parts::Merge& merge = parts.merges[i];
        for (const int32_t id : {merge.left, merge.right, merge.result})
            if (id < 0 || size_t(id) >= names.size())
                throw Error("merge " + std::to_string(i) + " has the token " + std::to_string(id) +
                                ", which the vocabulary lacks",
                            "it has " + std::to_string(names.size()) + " tokens", copy_again);
        const uint32_t rank = rules.ranks.empty() ? uint32_t(i) : rules.ranks[i];
        ranks_.set(merge.left, merge.right, {std::min(rank, PairRanks::no_rank - 1), merge.result});
    }
    build_characters(names);
    build_joints(parts.merges, names);
    build_whole(names);
}

void BpeModel::build_characters(const TokenNames& names) {
    for (size_t id = 0; id < names.size(); ++id)
        for (const bool inside : {false, true})
            for (const bool last : {false, true}) {
                std::string_view name = names[id];
                const std::string_view prefix = inside ? std::string_view(options_.continuing_prefix) : "";
                const std::string_view suffix = last ? std::string_view(options_.end_of_word_suffix) : "";
                if (name.size() <= prefix.size() + suffix.size() || !name.starts_with(prefix) ||
                    !name.ends_with(suffix))
                    continue;
                name = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
                const Utf8Char first = char_at(name, 0);
                if (first.valid && size_t(first.length) == name.size())
                    characters_[inside][last].set(first.code, int32_t(id));
            }
}

// A merge joins the last character of its left token and the first one of its right token, if the names of the tokens
// are what they represent. Otherwise a piece stays whole.
void BpeModel::build_joints(const std::vector<parts::Merge>& merges, const TokenNames& names) {
    if (!options_.continuing_prefix.empty() || !options_.end_of_word_suffix.empty()) return;
    std::vector<bool> is_text(names.size(), true);
    for (const int32_t id : id_of_byte_)
        if (id >= 0) is_text[size_t(id)] = !options_.byte_fallback;
    if (unknown_id_ >= 0) is_text[size_t(unknown_id_)] = false;
    std::vector<Joints::Pair> pairs;
    for (const parts::Merge& merge : merges) {
        const std::string_view left = names[size_t(merge.left)], right = names[size_t(merge.right)];
        for (const int32_t id : {merge.left, merge.right, merge.result})
            if (!is_text[size_t(id)] || names[size_t(id)].empty()) return;
        const Utf8Char before = char_at(left, last_char(left)), after = char_at(right, 0);
        if (!before.valid || !after.valid) return;
        pairs.push_back({before.code, after.code});
    }
    joints_ = Joints(pairs);
}

void BpeModel::build_whole(const TokenNames& names) {
    if (!options_.continuing_prefix.empty() || !options_.end_of_word_suffix.empty()) return;
    if (options_.unknown && unknown_id_ < 0) return;  // the characters of a name may need it
    std::vector<DoubleArray::Entry> entries;
    std::vector<ModelToken> tokens;
    for (size_t id = 0; id < names.size(); ++id) {
        if (names[id].size() > WordCache::longest_word || names[id].empty()) continue;
        tokens.clear();
        encode_part(names[id], 0, tokens);
        if (tokens.size() == 1 && tokens[0].id == int32_t(id)) entries.push_back({names[id], int32_t(id)});
    }
    whole_ = DoubleArray(std::move(entries));
}

// visit(begin, end, id): the parts of a piece with id -1, and its user-defined tokens.
template <class Visit>
void BpeModel::for_each_part(std::string_view piece, const Joints& joints, const Visit& visit) const {
    if (piece.size() > longest_piece)
        throw Error("a text has more than " + std::to_string(longest_piece) + " bytes without a break",
                    "byte-pair encoding needs many times its size in memory for such a piece",
                    "break the text into words or lines, or remove it");
    const auto parts_of = [&](size_t begin, size_t end) {
        for (size_t next; begin < end; begin = next) {
            next = joints.part_end(piece.substr(0, end), begin);
            visit(begin, next, -1);
        }
    };
    size_t begin = 0;
    for (size_t at = 0; has_user_defined_ && at < piece.size();) {
        int32_t id = -1;
        size_t end = at;
        uint32_t node = user_defined_.step(DoubleArray::root, piece[at]);
        for (size_t i = at + 1; node != DoubleArray::no_node; node = user_defined_.step(node, piece[i++])) {
            if (user_defined_.value(node) >= 0) {
                id = user_defined_.value(node);
                end = i;
            }
            if (i == piece.size()) break;
        }
        if (id < 0) {
            at += size_t(char_at(piece, at).length);
            continue;
        }
        parts_of(begin, at);
        visit(at, end, id);
        begin = at = end;
    }
    parts_of(begin, piece.size());
}

int32_t BpeModel::ignoring_merges(std::string_view piece) const {
    return options_.ignore_merges ? ids_.find(piece) : -1;
}

// Appends the tokens of the characters of a text that begins at the byte `at` of its piece.
void BpeModel::characters_of(std::string_view text, uint32_t at, std::vector<ModelToken>& out) const {
    bool after_unknown = false;
    for (size_t begin = 0, end; begin < text.size(); begin = end) {
        const Utf8Char character = char_at(text, begin);
        end = begin + size_t(character.length);
        const bool inside = begin > 0, last = end == text.size();
        const int32_t id = character.valid ? characters_[inside][last].find(character.code) : -1;
        const uint32_t first_byte = at + uint32_t(begin), end_byte = at + uint32_t(end);
        const bool was_unknown = after_unknown;
        after_unknown = false;
        if (id >= 0) {
            out.push_back({id, first_byte, end_byte});
            continue;
        }
        // The bytes of a prefix and a suffix count too, but are nowhere in the text.
        const auto append_bytes = [&](std::string_view bytes, bool in_text) {
            return append_byte_tokens(bytes, id_of_byte_, [&](int32_t token, size_t i) {
                const uint32_t byte = in_text ? first_byte + uint32_t(i) : end_byte;
                out.push_back({token, byte, in_text ? byte + 1 : byte});
            });
        };
        if (options_.byte_fallback && append_bytes(text.substr(begin, end - begin), true)) {
            if (last) append_bytes(options_.end_of_word_suffix, false);
            continue;
        }
        if (!options_.unknown) continue;
        if (unknown_id_ < 0) no_unknown_token(options_.unknown, text.substr(begin, end - begin));
        after_unknown = true;
        if (was_unknown && options_.fuse_unknown) out.back().end = end_byte;
        else out.push_back({unknown_id_, first_byte, end_byte});
    }
}

void BpeModel::encode_part(std::string_view part, uint32_t at, std::vector<ModelToken>& out) const {
    if (part.size() <= WordCache::longest_word)
        if (const int32_t id = whole_.find(part); id >= 0) return out.push_back({id, at, at + uint32_t(part.size())});
    const size_t first = out.size();
    characters_of(part, at, out);
    const size_t count = out.size() - first;
    ModelToken* const tokens = out.data() + first;
    out.resize(first + (count <= longest_merge_scan ? merge_by_scan(ranks_, tokens, count)
                                                    : merge_by_heap(ranks_, tokens, count)));
}

// Whether the last token of a part and the first one of the next part become one.
bool BpeModel::continues_unknown(int32_t before, int32_t after) const {
    return options_.fuse_unknown && after == unknown_id_ && before == unknown_id_;
}

void BpeModel::encode(std::string_view piece, std::vector<ModelToken>& out) const {
    if (piece.empty()) return;
    if (const int32_t id = ignoring_merges(piece); id >= 0) return out.push_back({id, 0, uint32_t(piece.size())});
    const size_t first = out.size();
    for_each_part(piece, joints_, [&](size_t begin, size_t end, int32_t id) {
        if (id >= 0) return out.push_back({id, uint32_t(begin), uint32_t(end)});
        const size_t before = out.size();
        encode_part(piece.substr(begin, end - begin), uint32_t(begin), out);
        if (before == first || before == out.size() || !continues_unknown(out[before - 1].id, out[before].id)) return;
        out[before - 1].end = out[before].end;
        out.erase(out.begin() + ptrdiff_t(before));
    });
}

void BpeModel::encode(std::string_view piece, std::vector<int32_t>& out) const {
    if (piece.empty()) return;
    if (const int32_t id = ignoring_merges(piece); id >= 0) return out.push_back(id);
    thread_local std::vector<ModelToken> tokens;
    thread_local std::vector<int32_t> ids;
    const auto uncached = [this](std::string_view part, std::vector<int32_t>& result) {
        tokens.clear();
        encode_part(part, 0, tokens);
        append_ids(tokens, result);
    };
    WordCache& cache = WordCache::of_this_thread();
    IdBuffer buffer(out);
    int32_t last = -1;
    for_each_part(piece, joints_, [&](size_t begin, size_t end, int32_t id) {
        if (id >= 0) {
            last = id;
            return buffer.append(id);
        }
        const WordCache::Slot* slot = cached(piece.substr(begin, end - begin), owner_, cache, ids, uncached);
        const int32_t* const part = slot ? slot->ids : ids.data();
        const size_t count = slot ? slot->count : ids.size();
        if (count == 0) return;
        const bool fused = last >= 0 && continues_unknown(last, part[0]);
        last = part[count - 1];
        if (fused) return buffer.append(part + 1, count - 1);
        if (slot) buffer.append(*slot);
        else buffer.append(part, count);
    });
    buffer.flush();
}

void BpeModel::encode_with_dropout(std::string_view piece, uint64_t key, uint64_t counter,
                                   std::vector<ModelToken>& out) const {
    const double dropout = options_.dropout.value_or(0);
    if (dropout == 0) return encode(piece, out);
    uint64_t draw = 0;
    const auto pass_over = [&] { return Philox{key}.uniform(draw++, counter) < dropout; };
    for_each_part(piece, Joints(), [&](size_t begin, size_t end, int32_t id) {
        if (id >= 0) return out.push_back({id, uint32_t(begin), uint32_t(end)});
        const size_t first = out.size();
        characters_of(piece.substr(begin, end - begin), uint32_t(begin), out);
        out.resize(first + merge_by_heap(ranks_, out.data() + first, out.size() - first, pass_over));
    });
}

}  // namespace gradus
