#include "align/samples/dump.h"

#include <nlohmann/json.hpp>

#include "data/json_line.h"
#include "data/text.h"
#include "engine/base/error.h"
#include "engine/base/one_line.h"

namespace gradus {

std::string sample_as_json(std::span<const int32_t> ids, std::span<const uint8_t> learnt, const Tokenizer& tokenizer) {
    CHECK(ids.size() == learnt.size());
    std::string line =
        "{\"ids\": " + nlohmann::json(ids).dump() + ", \"learnt\": " + nlohmann::json(learnt).dump() + ", \"text\": ";
    append_json_string(line, tokenizer.decode(ids));
    return line + "}";
}

// Bytes are collected over ids of the same kind, since a character may be split between two ids. One that is split
// where the kind changes is shown as U+FFFD twice.
std::string sample_as_text(std::span<const int32_t> ids, std::span<const uint8_t> learnt, const Tokenizer& tokenizer,
                           Colours colours) {
    CHECK(ids.size() == learnt.size());
    std::string out;
    const auto kind_at = [&](size_t i) { return (learnt[i] ? 1 : 0) + (tokenizer.is_special(ids[i]) ? 2 : 0); };
    for (size_t i = 0; i < ids.size();) {
        const int kind = kind_at(i);
        std::string text;
        const bool was_learnt = i > 0 && learnt[i - 1], is_learnt = learnt[i];
        for (; i < ids.size() && kind_at(i) == kind; ++i) text += tokenizer.bytes_of(ids[i]);
        const std::string shown_text = printable(repair_utf8(text));
        if (colours == Colours::none) {
            if (is_learnt && !was_learnt) out += "⟦";
            out += shown_text;
            if (is_learnt && (i == ids.size() || !learnt[i])) out += "⟧";
            continue;
        }
        const char* style[] = {"", "\033[32m", "\033[7m", "\033[32;7m"};
        out += kind == 0 ? shown_text : style[kind] + shown_text + "\033[0m";
    }
    return out + "\n";
}

}  // namespace gradus
