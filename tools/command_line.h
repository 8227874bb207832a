#pragma once
// The words of a command line: converts what users type to what the parser accepts, and parser errors to three lines.
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "engine/base/error.h"

namespace gradus {

using Words = std::vector<std::string>;

// `help data prepare` becomes `data prepare --help`; for a command with --set, `--optimizer.lr=1e-3` and
// `--optimizer.lr 1e-3` become `--set optimizer.lr=1e-3`.
Words as_parsed(const CLI::App& program, const Words&);

// Whether the command takes settings of a recipe, that is, has --set.
bool takes_settings(const CLI::App& command);

// "gradus data prepare"
std::string path_of(const CLI::App& command);

// The command that the first words name. UsageError if a word in the place of a command is not one.
const CLI::App& command_of(const CLI::App& program, const Words&);

Error usage_error(const CLI::ParseError&, const CLI::App& command, const Words&);

}  // namespace gradus
