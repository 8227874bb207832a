#pragma once
// The words of a command line: what people type becomes what the parser takes, and what it refuses becomes three lines.
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "engine/base/error.h"

namespace gradus {

using Words = std::vector<std::string>;

// `help data prepare` is `data prepare --help`; of a command that has --set, `--optimizer.lr=1e-3` and
// `--optimizer.lr 1e-3` are `--set optimizer.lr=1e-3`.
Words as_parsed(const CLI::App& program, const Words&);

// Whether it takes settings of a recipe: it has --set.
bool takes_settings(const CLI::App& command);

// "gradus data prepare"
std::string path_of(const CLI::App& command);

// The command that the first words name. UsageError when a word stands where a command should and is none.
const CLI::App& command_of(const CLI::App& program, const Words&);

Error usage_error(const CLI::ParseError&, const CLI::App& command, const Words&);

}  // namespace gradus
