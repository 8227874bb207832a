#pragma once
// BERT's vocab.txt: a token a line, whose index is its id, from 0 on. Lines end with "\n" or "\r\n".
//
// An empty line is an id without a name. Errors name the file and the line: a token that is not UTF-8; more than
// 2^28 - 2 tokens; a file without tokens; when writing, a token with a line break.
// Source: BERT's tokenization.py, load_vocab.
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/file.h"

namespace gradus {

// The name of each id. Errors use `name` as the file's name.
std::vector<std::string> parse_vocab_txt(std::string_view text, const std::string& name);
std::vector<std::string> read_vocab_txt(const fs::path& path);

std::string write_vocab_txt(const std::vector<std::string>& names);

}  // namespace gradus
