// Reading and writing .tiktoken, and recovering its merges.
#include "tokenizer/files/tiktoken_file.h"

#include <algorithm>
#include <charconv>
#include <unordered_set>

#include "engine/base/error.h"
#include "tokenizer/files/base64.h"
#include "tokenizer/models/double_array.h"

namespace gradus {

namespace {

[[noreturn]] void refuse_line(const std::string& name, size_t line, const std::string& why) {
    throw Error("'" + name + "' is not a .tiktoken file", name + ":" + std::to_string(line) + ": " + why,
                "copy the file again from its source; one that ends in .gz must be unpacked first");
}

// Byte-pair encoding of a token with those of lower rank: the ends of its parts.
void split_below(const DoubleArray& ranks, std::string_view token, int32_t below, std::vector<size_t>& ends) {
    ends.resize(token.size());
    for (size_t i = 0; i < ends.size(); ++i) ends[i] = i + 1;
    std::vector<int32_t> pairs(ends.size());  // of the parts i and i + 1: the rank, or `below` if they do not merge
    const auto look_up = [&](size_t i) {
        const size_t begin = i == 0 ? 0 : ends[i - 1];
        const int32_t rank = ranks.find(token.substr(begin, ends[i + 1] - begin));
        pairs[i] = rank < 0 || rank > below ? below : rank;
    };
    pairs.resize(ends.size() - 1);
    for (size_t i = 0; i < pairs.size(); ++i) look_up(i);
    while (!pairs.empty()) {
        const size_t best = size_t(std::min_element(pairs.begin(), pairs.end()) - pairs.begin());
        if (pairs[best] == below) return;
        ends.erase(ends.begin() + ptrdiff_t(best));
        pairs.erase(pairs.begin() + ptrdiff_t(best));
        if (best > 0) look_up(best - 1);
        if (best < pairs.size()) look_up(best);
    }
}

}  // namespace

TiktokenVocabulary parse_tiktoken(std::string_view text, const std::string& name) {
    const size_t most = 2 * size_t(std::count(text.begin(), text.end(), '\n')) + 1000;
    TiktokenVocabulary vocabulary;
    std::unordered_set<std::string> seen;
    for (size_t line_number = 1; !text.empty(); ++line_number) {
        const size_t newline = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, newline);
        text.remove_prefix(std::min(newline + 1, text.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty()) continue;
        const size_t space = line.find(' ');
        if (space == std::string_view::npos)
            refuse_line(name, line_number, "a line is a token in base64, a space and its rank");
        std::optional<std::string> token = from_base64(line.substr(0, space));
        if (!token || token->empty()) refuse_line(name, line_number, "the token is not base64");
        if (token->size() > longest_tiktoken_token)
            refuse_line(name, line_number,
                        "the token has more than " + std::to_string(longest_tiktoken_token) + " bytes");
        uint32_t rank = 0;
        const char* const end = line.data() + line.size();
        const auto [after, problem] = std::from_chars(line.data() + space + 1, end, rank);
        if (problem != std::errc() || after != end) refuse_line(name, line_number, "the rank is not a number");
        if (rank >= most)
            refuse_line(name, line_number, "the rank " + std::to_string(rank) + " is far above the number of tokens");
        if (vocabulary.size() <= rank) vocabulary.resize(rank + 1);
        if (!vocabulary[rank].empty())
            refuse_line(name, line_number, "the rank " + std::to_string(rank) + " is there twice");
        if (!seen.insert(*token).second) refuse_line(name, line_number, "the token is there twice");
        vocabulary[rank] = std::move(*token);
    }
    if (vocabulary.empty()) refuse_line(name, 1, "there is no token");
    return vocabulary;
}

TiktokenVocabulary read_tiktoken(const fs::path& path) {
    const MappedFile file(path);
    return parse_tiktoken(file.text(), path.string());
}

std::string write_tiktoken(const TiktokenVocabulary& vocabulary) {
    std::string out;
    for (size_t rank = 0; rank < vocabulary.size(); ++rank)
        if (!vocabulary[rank].empty()) out += to_base64(vocabulary[rank]) + " " + std::to_string(rank) + "\n";
    return out;
}

TiktokenMerges recover_merges(const TiktokenVocabulary& vocabulary) {
    std::vector<DoubleArray::Entry> entries;
    for (size_t rank = 0; rank < vocabulary.size(); ++rank) entries.push_back({vocabulary[rank], int32_t(rank)});
    const DoubleArray ranks(std::move(entries));
    TiktokenMerges result;
    std::vector<size_t> ends;
    for (int32_t rank = 0; size_t(rank) < vocabulary.size(); ++rank) {
        const std::string_view token = vocabulary[size_t(rank)];
        if (token.size() < 2) continue;
        split_below(ranks, token, rank, ends);
        const int32_t left = ends.size() == 2 ? ranks.find(token.substr(0, ends[0])) : -1;
        const int32_t right = ends.size() == 2 ? ranks.find(token.substr(ends[0])) : -1;
        if (left >= 0 && right >= 0) result.merges.push_back({left, right, rank});
        else result.unmergeable.push_back(rank);
    }
    return result;
}

}  // namespace gradus
