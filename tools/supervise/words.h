#pragma once
// A command line in one string, as in --launch "mpirun -n 4".
#include <string>
#include <vector>

namespace gradus {

// The words of a command line by the quoting rules of POSIX shells: blanks part words; '…' keeps everything; "…" keeps all but
// \", \\, \$ and \`; elsewhere a backslash keeps the next character. Nothing is expanded: no variables, patterns or
// redirections. Error where a quote is not closed or a backslash is the last character.
//
// Source: POSIX.1-2017, Shell Command Language, 2.2 Quoting.
std::vector<std::string> split_words(const std::string& line);

// The words as one line that split_words parts again.
std::string join_words(const std::vector<std::string>& words);

}  // namespace gradus
