// gradus data prompts: beginnings of lines of a prepared folder's validation text, as prompts for a model trained on
// it.
#include <fmt/format.h>

#include "data/prepare.h"
#include "data/prepared_folder.h"
#include "data/readers.h"
#include "tools/cli.h"

namespace gradus {

namespace {

struct PromptsCommand {
    std::string folder;
    int count = 3, words = 4;
};

constexpr size_t max_bytes = 60;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// The first words of the line, with single spaces; empty if it has fewer or has control characters. Limited to
// max_bytes, cut between two characters.
std::string beginning_of(std::string_view line, int words) {
    std::string text;
    for (size_t at = 0; words > 0; --words) {
        while (at < line.size() && is_space(line[at])) ++at;
        if (at == line.size()) return "";
        if (!text.empty()) text += ' ';
        for (; at < line.size() && !is_space(line[at]); ++at) text += line[at];
        if (text.size() > max_bytes) {
            size_t end = max_bytes;
            while (end > 0 && (uint8_t(text[end]) & 0xC0) == 0x80) --end;
            text.resize(end);
            break;
        }
    }
    for (const char c : text)
        if (uint8_t(c) < ' ' || c == 0x7f) return "";
    return text;
}

// Beginnings of all lines of the text; if there are too many, only of documents.
std::vector<std::string> beginnings(const fs::path& file, int words) {
    constexpr size_t max_lines = 10000;
    std::vector<std::string> found;
    DocumentReader reader({file});
    for (Document document; reader.next(document);) {
        bool first = true;
        for (size_t start = 0; start < document.text.size();) {
            const size_t end = std::min(document.text.find('\n', start), document.text.size());
            if (first || found.size() < max_lines) {
                std::string text = beginning_of(std::string_view(document.text).substr(start, end - start), words);
                if (!text.empty() && (found.empty() || found.back() != text)) {
                    found.push_back(std::move(text));
                    first = false;
                }
            }
            start = end + 1;
        }
    }
    return found;
}

void print_prompts(const PromptsCommand& o) {
    const fs::path file = documents_of(o.folder, "val");
    std::error_code ignored;
    if (!is_prepared(o.folder) || !fs::exists(file, ignored))
        throw Error("'" + o.folder + "' has no validation text", "there is no " + file.string(),
                    fmt::format("gradus data prepare TEXTS --out {} --val-fraction {}", o.folder,
                                PrepareOptions{}.val_fraction));
    std::vector<std::string> found;
    for (int words = o.words; found.empty() && words > 0; --words) found = beginnings(file, words);
    if (found.empty())
        throw Error("the validation text of '" + o.folder + "' has no line for a prompt", "all of its lines are empty",
                    "gradus generate RUN 'a text of your own'");
    const size_t count = std::min(size_t(o.count), found.size());
    for (size_t i = 0; i < count; ++i) fmt::print("{}\n", found[(2 * i + 1) * found.size() / (2 * count)]);
}

}  // namespace

void add_data_prompts(CLI::App& data) {
    auto o = std::make_shared<PromptsCommand>();
    CLI::App* command = data.add_subcommand("prompts",
                                            "Prints the first words of some lines of a prepared folder's validation "
                                            "text, one per line, as prompts:\n"
                                            "similar to the training text, but not part of it.\n\n"
                                            "Example: gradus data prompts prepared --count 3");
    command->add_option("DIR", o->folder, "a folder written by `gradus data prepare`")->required();
    command->add_option("--count", o->count, "number of prompts, spread over the text")
        ->transform(whole_between(1, 1000))
        ->capture_default_str();
    command->add_option("--words", o->words, "words per prompt; fewer if no line has as many")
        ->transform(whole_between(1, 100))
        ->capture_default_str();
    command->callback([o] { print_prompts(*o); });
}

}  // namespace gradus
