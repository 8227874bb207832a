// Validates the content of a file and converts it to parts.
#include "tokenizer/vocabulary_file.h"

#include <set>
#include <unordered_map>
#include <unordered_set>

#include "engine/base/error.h"
#include "engine/base/one_line.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/pair_key.h"
#include "tokenizer/unicode.h"

namespace gradus {

namespace {

// A name from a file, made printable for a message.
std::string in_quotes(const std::string& name) {
    std::string text = "'";
    text += on_one_line(name, 60);
    text += "'";
    return text;
}

[[noreturn]] void refuse(const VocabularyFile& file, const std::string& what, const std::string& cause) {
    throw Error(what, file.name + ": " + cause,
                "copy the file again from its source; a hand-edited vocabulary needs every id once");
}

// The names by id: tokens and special tokens together, each id of 0..V-1 exactly once.
struct Names {
    std::vector<std::string> of_id;
    std::unordered_map<std::string, int64_t> ids;
    std::vector<int32_t> special_ids, added_ids;
    std::vector<bool> plain;  // special or added: written as plain text

    bool is_plain(int32_t id) const { return plain[size_t(id)]; }
};

void join_added(const VocabularyFile& file, Names& names) {
    std::set<std::string> texts;
    for (const auto* list : {&file.specials, &file.added})
        for (const auto& [text, id] : *list) {
            const std::string what = (list == &file.specials ? "special token " : "added token ") + in_quotes(text);
            if (text.empty()) refuse(file, "an added token has no text", "the one with id " + std::to_string(id));
            if (!texts.insert(text).second) refuse(file, what + " occurs twice", "added_tokens must name it once");
            const auto [place, is_new] = names.ids.emplace(text, id);
            if (!is_new && place->second != id)
                refuse(file, what + " has two ids",
                       "the vocabulary says " + std::to_string(place->second) + ", added_tokens " + std::to_string(id));
        }
}

Names collect_names(const VocabularyFile& file) {
    Names names;
    names.ids.reserve(file.tokens.size() + file.specials.size() + file.added.size());
    for (const auto& [name, id] : file.tokens)
        if (!names.ids.emplace(name, id).second)
            refuse(file, "token " + in_quotes(name) + " occurs twice", "its second id is " + std::to_string(id));
    join_added(file, names);

    const size_t size = names.ids.size();
    if (size == 0) refuse(file, "the vocabulary is empty", "it has no tokens");
    if (size >= size_t(INT32_MAX)) refuse(file, "the vocabulary is too large", "ids must fit in 31 bits");
    std::vector<bool> taken(size, false);
    names.of_id.resize(size);
    for (const auto& [name, id] : names.ids) {
        if (id < 0 || id >= int64_t(size))
            refuse(file, "token " + in_quotes(name) + " has the id " + std::to_string(id),
                   "with " + std::to_string(size) + " tokens the ids must be 0 to " + std::to_string(size - 1) +
                       ", without gaps");
        if (taken[size_t(id)])
            refuse(file, "two tokens have the id " + std::to_string(id),
                   in_quotes(names.of_id[size_t(id)]) + " and " + in_quotes(name));
        taken[size_t(id)] = true;
        names.of_id[size_t(id)] = name;
    }
    names.plain.assign(size, false);
    for (const auto& special : file.specials) names.special_ids.push_back(int32_t(special.second));
    for (const auto& added : file.added) names.added_ids.push_back(int32_t(added.second));
    for (const auto* ids : {&names.special_ids, &names.added_ids})
        for (const int32_t id : *ids) names.plain[size_t(id)] = true;
    return names;
}

int32_t id_for_merge(const VocabularyFile& file, const Names& names, const std::string& name, size_t rank) {
    const auto found = names.ids.find(name);
    if (found == names.ids.end())
        refuse(file, "merge " + std::to_string(rank + 1) + " needs the token " + in_quotes(name),
               "it is not in the vocabulary");
    if (names.is_plain(int32_t(found->second)))
        refuse(file, "added or special token " + in_quotes(name) + " is part of merge " + std::to_string(rank + 1),
               "ordinary text could be encoded to it");
    return int32_t(found->second);
}

std::vector<Merge> resolve_merges(const VocabularyFile& file, const Names& names) {
    std::vector<Merge> merges;
    std::unordered_set<uint64_t> seen;
    merges.reserve(file.merges.size());
    seen.reserve(file.merges.size());
    for (const auto& [left, right] : file.merges) {
        const size_t rank = merges.size();
        const Merge merge = {id_for_merge(file, names, left, rank), id_for_merge(file, names, right, rank),
                             id_for_merge(file, names, left + right, rank)};
        if (!seen.insert(pair_of(merge.left, merge.right)).second)
            refuse(file, "merge " + std::to_string(rank + 1) + " occurs twice",
                   in_quotes(left) + " + " + in_quotes(right));
        merges.push_back(merge);
    }
    return merges;
}

}  // namespace

TokenizerParts assemble_byte_level_bpe(const VocabularyFile& file) {
    const Names names = collect_names(file);
    std::vector<std::string> tokens = names.of_id;
    std::vector<bool> byte_known(256, false);
    for (size_t id = 0; id < tokens.size(); ++id) {
        if (names.is_plain(int32_t(id))) continue;
        std::optional<std::string> bytes = alphabet_to_bytes(names.of_id[id]);
        if (!bytes || bytes->empty())
            refuse(file, "token " + std::to_string(id) + " is not written in GPT-2's byte alphabet",
                   in_quotes(names.of_id[id]) + " has other characters and is not listed as an added token");
        if (bytes->size() == 1) byte_known[uint8_t((*bytes)[0])] = true;
        tokens[id] = std::move(*bytes);
    }
    for (int byte = 0; byte < 256; ++byte)
        if (!byte_known[size_t(byte)])
            refuse(file, "byte " + std::to_string(byte) + " has no token",
                   "a byte-level vocabulary needs all 256, or some texts cannot be encoded");
    TokenizerParts parts;
    parts.kind = TokenizerKind::byte_level_bpe;
    parts.merges = resolve_merges(file, names);
    parts.ignore_merges = file.ignore_merges;
    parts.vocabulary = Vocabulary(tokens, names.special_ids, names.added_ids);
    return parts;
}

TokenizerParts assemble_characters(const VocabularyFile& file) {
    const Names names = collect_names(file);
    for (size_t id = 0; id < names.of_id.size(); ++id) {
        const std::string& name = names.of_id[id];
        if (names.is_plain(int32_t(id))) continue;
        const bool one =
            !name.empty() && size_t(decode_utf8(name.data(), name.data() + name.size()).length) == name.size();
        if (!one || !decode_utf8(name.data(), name.data() + name.size()).valid)
            refuse(file, "token " + std::to_string(id) + " is not one character",
                   in_quotes(name) + " is in a character vocabulary (one without merges and without a pre-tokenizer)");
    }
    if (!file.merges.empty()) refuse(file, "a character vocabulary has merges", "only byte-level BPE may have them");
    TokenizerParts parts;
    parts.kind = TokenizerKind::characters;
    parts.vocabulary = Vocabulary(names.of_id, names.special_ids, names.added_ids);
    return parts;
}

}  // namespace gradus
