// The well-known patterns by name, and the choice of a scanner.
#include "tokenizer/scan/scan.h"

#include "tokenizer/scan/scanners.h"

namespace gradus {

std::string_view regex_of(KnownPattern pattern) {
    switch (pattern) {
        case KnownPattern::gpt2: return R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
        case KnownPattern::cl100k:
            return R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
        case KnownPattern::qwen2:
            return R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
    }
    return {};
}

std::optional<KnownPattern> known_pattern(std::string_view regex) {
    for (const KnownPattern pattern : {KnownPattern::gpt2, KnownPattern::cl100k, KnownPattern::qwen2})
        if (regex == regex_of(pattern)) return pattern;
    return std::nullopt;
}

std::optional<KnownPattern> pattern_named(std::string_view name) {
    if (name == "gpt2") return KnownPattern::gpt2;
    if (name == "cl100k") return KnownPattern::cl100k;
    if (name == "qwen2") return KnownPattern::qwen2;
    return std::nullopt;
}

const char* piece_end(KnownPattern pattern, const char* at, const char* end) {
    switch (pattern) {
        case KnownPattern::gpt2: return Gpt2Pattern::piece_end(at, end);
        case KnownPattern::cl100k: return Cl100kPattern<3>::piece_end(at, end);
        case KnownPattern::qwen2: return Cl100kPattern<1>::piece_end(at, end);
    }
    return end;
}

ScannedPieces scan_pieces(KnownPattern pattern, const char* at, const char* end, uint32_t* ends, size_t room) {
    static const Scanners best = all_scanners().front();
    return best.of[size_t(pattern)](at, end, ends, room);
}

}  // namespace gradus
