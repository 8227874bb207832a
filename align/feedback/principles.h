#pragma once
// The principles by which a model criticises, revises and compares answers: a constitution, one principle a line.
//
//   {"principle": TEXT, "critique": TEXT, "revision": TEXT}     a JSON object
//   PRINCIPLE                                                   or plain text
//   CRITIQUE | REVISION
//   PRINCIPLE | CRITIQUE | REVISION
//
//   principle   what an answer should be; two answers are compared by it
//   critique    asks what is wrong with an answer; without it, made of the principle
//   revision    asks for a better answer; without it, made of the principle
//
// Blank lines and lines that begin with # are comments. Source: Bai et al. 2022, "Constitutional AI", arXiv 2212.08073.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/file.h"

namespace gradus {

struct Principle {
    std::string text, critique, revision;
    bool operator==(const Principle&) const = default;
};

// What a command needs of each principle: critique and revision, or the text.
enum class PrincipleUse { revise, judge };

// Error with file and line for a line that is none of the above or lacks what is needed; Error for a file without
// principles.
std::vector<Principle> parse_principles(std::string_view text, const std::string& file, PrincipleUse);
std::vector<Principle> read_principles(const fs::path&, PrincipleUse);

// Index of the principle that is drawn for an item: a function of the seed, the item's identity and its round alone.
size_t drawn_principle(uint64_t seed, uint64_t identity, uint64_t round, size_t count);

}  // namespace gradus
