#pragma once
// Splits a command line in one string, as in --launch "mpirun -n 4".
#include <string>
#include <vector>

namespace gradus {

// Splits a command line by the quoting rules of POSIX shells: blanks separate words; '…' is literal; "…" is literal
// except for \", \\, \$ and \`; elsewhere a backslash quotes the next character. Nothing is expanded: no variables,
// patterns or redirections. Error if a quote is not closed or a backslash is the last character.
//
// Source: POSIX.1-2017, Shell Command Language, 2.2 Quoting.
std::vector<std::string> split_words(const std::string& line);

// Joins words to one line that split_words splits into the same words.
std::string join_words(const std::vector<std::string>& words);

}  // namespace gradus
