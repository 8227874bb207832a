#pragma once
// `gradus bench tokenizer`: times the encoding of a file on one thread and hashes the ids, so that
// tools/compare/tokenizer_speed.py can check that other programs produce the same ids.
#include <CLI/CLI.hpp>

namespace gradus {

void add_bench_tokenizer(CLI::App& bench);

}  // namespace gradus
