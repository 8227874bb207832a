#pragma once
// `gradus bench tokenizer`: how long encoding a file takes on one thread, and a hash of the ids, by which
// tools/compare/tokenizer_speed.py sees that other programs made the same ones.
#include <CLI/CLI.hpp>

namespace gradus {

void add_bench_tokenizer(CLI::App& bench);

}  // namespace gradus
