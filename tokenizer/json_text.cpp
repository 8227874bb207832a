#include "tokenizer/json_text.h"

#include "engine/base/error.h"
#include "engine/base/json_text.h"

namespace gradus {

nlohmann::json parse_json(std::string_view text, const std::string& name) {
    JsonText read = try_parse_json(text, JsonKeys::any);
    if (read.problem.empty()) return std::move(read.value);
    const std::string place =
        read.line > 0 ? name + ":" + std::to_string(read.line) + ":" + std::to_string(read.column) : name;
    throw Error("'" + name + "' is not JSON that can be read", place + ": " + read.reason,
                text.empty() ? "the file is empty: copy it again" : "the file may be truncated: copy it again");
}

}  // namespace gradus
