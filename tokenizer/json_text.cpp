// JSON read with an Error that names line and column.
#include "tokenizer/json_text.h"

#include <algorithm>

#include "engine/base/error.h"

namespace gradus {

nlohmann::json parse_json(std::string_view text, const std::string& name) {
    try {
        return nlohmann::json::parse(text);
    } catch (const nlohmann::json::parse_error& problem) {
        const std::string_view before = text.substr(0, problem.byte > 0 ? problem.byte - 1 : 0);
        const auto line = std::count(before.begin(), before.end(), '\n') + 1;
        const size_t last_line = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
        throw Error("'" + name + "' is not JSON",
                    name + ":" + std::to_string(line) + ":" + std::to_string(before.size() - last_line + 1) +
                        ": the text stops making sense here",
                    text.empty() ? "the file is empty: copy it again" : "the file may be cut short: copy it again");
    }
}

}  // namespace gradus
