#pragma once
// Reads data sets of examples: .jsonl or .json, plain, .gz or .zst, in any of the formats of formats.h.
//
//   const ExampleFile file = read_examples("pairs.jsonl.gz", {}, Needs{Kind::preference, "gradus reward"});
//
// The format is the one given, or the first that fits all of the first ten records. What a file holds is converted to
// the kind that is needed (example.h).
//
// A record that is not JSON, has no object, lacks a value, or has roles out of order, is an Error with file and line,
// unless `max_bad_lines` allows it; then it is counted. An example from which nothing can be learnt (an empty answer,
// equal answers, a ranking of ties, a transcript whose speakers do not alternate, as a few of HH) is skipped and
// counted. Ill-formed UTF-8 becomes U+FFFD.
// Errors: a file that cannot be read or decompressed, without examples, of no known format, or of another kind than
// needed: the Error says what it holds and what is needed.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "align/examples/formats.h"
#include "engine/base/file.h"

namespace gradus {

struct ReadExamples {
    std::string format;  // empty: detected
    int64_t max_bad_lines = 0;
    InputForm form;
};

struct Needs {
    Kind kind;
    std::string command;  // for errors: "gradus sft"
    std::string format_option = "--format";
};

struct ExampleFile {
    fs::path path;
    std::string format;
    Kind held = Kind::text;  // what the file holds
    Kind kind = Kind::text;  // what the examples are, after conversion
    std::vector<Example> examples;
    std::vector<std::string> places;  // of each example: "file.jsonl:12"
    int64_t records = 0, bad_lines = 0;
    std::map<std::string, int64_t> skipped;  // reason → examples

    // The examples as their type.
    template <class T>
    const T& at(size_t i) const {
        return std::get<T>(examples[i]);
    }
};

ExampleFile read_examples(const fs::path& path, const ReadExamples& options = {},
                          const std::optional<Needs>& needs = std::nullopt);

// "1,150 preference pairs from 'pairs.jsonl.gz' (hh); skipped: 6 chosen and rejected are equal"
std::string summary_of(const ExampleFile& file);

}  // namespace gradus
