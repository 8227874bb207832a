#pragma once
// What a shell offers after TAB, read from the definitions of the commands: `gradus __complete WORD…` prints the words that
// the last one may become, one a line; none where the shell should offer files. tools/completion.bash asks it.
#include "tools/command_line.h"

namespace gradus {

inline constexpr const char* completion_command = "__complete";

Words completions(const CLI::App& program, const Words&);

}  // namespace gradus
