#pragma once
// The tokens of a tokenizer: the bytes of each id, 0..size-1, and which ids are special.
//
// A special token ("<|endoftext|>") has a text but never represents text: nothing that a user writes is encoded to it,
// unless the caller requests it (Tokenizer::encode_with_specials). An added token ("<x>", of an extended model) is
// text: wherever it occurs, it becomes its id before anything else is split or merged.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

class Vocabulary {
public:
    Vocabulary() = default;
    // tokens[id] is the token's bytes; `specials` and `added` are ids below tokens.size(), with distinct non-empty
    // texts.
    Vocabulary(const std::vector<std::string>& tokens, const std::vector<int32_t>& specials,
               const std::vector<int32_t>& added = {});

    int32_t size() const { return int32_t(ends_.size()); }

    // id < size.
    std::string_view bytes_of(int32_t id) const {
        const size_t begin = id == 0 ? 0 : ends_[size_t(id) - 1];
        return {arena_.data() + begin, ends_[size_t(id)] - begin};
    }

    // Copies the token to `out`, which has room for it and `padding` more bytes, and returns its end. A copy of fixed
    // size is one instruction, and few tokens are longer.
    static constexpr size_t padding = 16;
    char* copy_bytes_of(int32_t id, char* out) const {
        const std::string_view bytes = bytes_of(id);
        if (bytes.size() <= padding) std::memcpy(out, bytes.data(), padding);
        else std::memcpy(out, bytes.data(), bytes.size());
        return out + bytes.size();
    }

    bool is_special(int32_t id) const { return special_[size_t(id)]; }
    bool is_added(int32_t id) const { return added_[size_t(id)]; }
    bool has_added() const { return has_added_; }
    std::optional<int32_t> special_id(std::string_view text) const;
    const std::map<std::string, int32_t, std::less<>>& specials() const { return id_of_special_; }

    // The first added token (or special token, if wanted) in `text` at or after `from`; the longest if several start
    // there.
    struct Match {
        size_t at, length;
        int32_t id;
    };
    enum class Wanted { added, added_and_special };
    std::optional<Match> find(std::string_view text, size_t from, Wanted) const;

private:
    std::string arena_;         // all tokens concatenated, then padding
    std::vector<size_t> ends_;  // ends_[id]: the end of the token in the arena
    std::vector<bool> special_, added_;
    bool has_added_ = false;
    std::map<std::string, int32_t, std::less<>> id_of_special_, id_of_added_;
    std::array<std::vector<size_t>, 256> lengths_;  // of special and added tokens, by first byte, longest first
};

}  // namespace gradus
