#pragma once
// Shared by the tokenizer tests: golden files, GPT-2's vocabulary if it is available, a small random generator.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/base/error.h"
#include "tests/data/temporary_folder.h"
#include "tokenizer/text_source.h"
#include "tokenizer/tokenizer.h"

namespace gradus {

inline fs::path golden_path(const std::string& name) {
    return fs::path(GRADUS_ROOT) / "tests/goldens/tokenizer" / name;
}
inline nlohmann::json golden(const std::string& name) { return nlohmann::json::parse(read_file(golden_path(name))); }

inline fs::path shared_data() { return fs::path(GRADUS_ROOT) / "../shared/data"; }

// GPT-2's tokenizer; empty, with a warning, if its files are not installed.
inline std::optional<Tokenizer> gpt2() {
    const fs::path vocab = shared_data() / "vocab/gpt2-vocab.json", merges = shared_data() / "vocab/gpt2-merges.txt";
    if (!fs::exists(vocab) || !fs::exists(merges)) {
        WARN("skipped: GPT-2's vocabulary is not at " << vocab.parent_path());
        return std::nullopt;
    }
    static const Tokenizer tokenizer = Tokenizer::from_vocab_and_merges(vocab, merges);
    return tokenizer;
}

inline TextSource texts(std::vector<std::string> all) {
    return [all = std::move(all), at = size_t(0)](std::string& text) mutable {
        if (at == all.size()) return false;
        text = all[at++];
        return true;
    };
}

inline std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (size_t at = 0; at < text.size();) {
        const size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
        lines.push_back(text.substr(at, end - at));
        at = end;
    }
    return lines;
}

// The same numbers on every machine: xorshift.
struct Numbers {
    uint64_t state;
    explicit Numbers(uint64_t seed) : state(seed * 0x9E3779B97F4A7C15 + 1) {}
    uint64_t below(uint64_t bound) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state % bound;
    }
    std::string bytes(size_t length) {
        std::string text(length, '\0');
        for (char& byte : text) byte = char(below(256));
        return text;
    }
};

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace gradus
