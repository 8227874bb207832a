#pragma once
// Shell completion, derived from the definitions of the commands: `gradus __complete WORD…` prints the possible
// completions of the last word, one per line; none if the shell should complete file names. Used by
// tools/completion.bash.
#include "tools/command_line.h"

namespace gradus {

inline constexpr const char* completion_command = "__complete";

Words completions(const CLI::App& program, const Words&);

}  // namespace gradus
