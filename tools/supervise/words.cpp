#include "tools/supervise/words.h"

#include <string_view>

#include "engine/base/error.h"

namespace gradus {

namespace {

constexpr std::string_view blanks = " \t\n";
constexpr std::string_view escaped_in_quotes = "\"\\$`";
constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%";

Error unfinished(const std::string& line, const std::string& cause) {
    return Error("'" + line + "' is not a command line", cause, "quote words as in a shell: --launch \"mpirun -n 4\"");
}

}  // namespace

std::vector<std::string> split_words(const std::string& line) {
    std::vector<std::string> words;
    bool in_word = false;
    char quote = 0;
    for (size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (!quote && blanks.find(c) != std::string_view::npos) {
            in_word = false;
            continue;
        }
        if (!in_word) words.emplace_back();
        in_word = true;
        const bool escapes = c == '\\' && quote != '\'';
        if (escapes && i + 1 == line.size()) throw unfinished(line, "it ends with a backslash");
        if (escapes && (!quote || escaped_in_quotes.find(line[i + 1]) != std::string_view::npos))
            words.back() += line[++i];
        else if (quote ? c == quote : c == '\'' || c == '"') quote = quote ? 0 : c;
        else words.back() += c;
    }
    if (quote) throw unfinished(line, std::string("the quote ") + quote + " is not closed");
    return words;
}

std::string join_words(const std::vector<std::string>& words) {
    std::string line;
    for (const std::string& word : words) {
        if (!line.empty()) line += ' ';
        if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) {
            line += word;
            continue;
        }
        line += '\'';
        for (const char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
        line += '\'';
    }
    return line;
}

}  // namespace gradus
