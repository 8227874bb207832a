#include "align/template/template_folder.h"

#include <nlohmann/json.hpp>

#include "align/template/bind.h"
#include "align/template/jinja.h"
#include "align/template/presets.h"
#include "engine/base/error.h"
#include "engine/base/json_text.h"
#include "engine/base/log.h"

namespace gradus {

namespace {

constexpr const char* config_name = "tokenizer_config.json";

fs::path description_in(const fs::path& folder) { return folder / "gradus" / "chat_template.json"; }

nlohmann::ordered_json config_object(const std::string& text, const std::string& where) {
    const char* fix = "copy the model's own tokenizer_config.json there again, or remove the file";
    const nlohmann::json checked = parse_json(text, where, fix);
    if (!checked.is_object())
        throw Error("'" + where + "' cannot be used", "it is a JSON value but not an object", fix);
    return nlohmann::ordered_json::parse(text);  // again, in the order of the file
}

// The preset whose markers are in a foreign Jinja template; "" if none are.
std::string likely_preset(const std::string& jinja) {
    constexpr std::pair<const char*, const char*> marks[] = {
        {"<|im_start|>", "chatml"}, {"<|start_header_id|>", "llama3"},
        {"[INST]", "llama2"},       {"<|user_start|>", "nanochat"},
        {"<|user|>", "zephyr"},     {"### Instruction", "alpaca"}};
    for (const auto& [mark, name] : marks)
        if (jinja.find(mark) != std::string::npos) return name;
    return "";
}

}  // namespace

std::string with_chat_template(const std::string& config, const ChatEncoder& chat, const std::string& where) {
    nlohmann::ordered_json json = nlohmann::ordered_json::object();
    if (!config.empty()) json = config_object(config, where);
    json["chat_template"] = jinja_of(chat.chat_template());
    return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

void save_chat_template(const fs::path& folder, const ChatEncoder& chat) {
    const fs::path config = folder / config_name;
    const std::string before = fs::exists(config) ? read_file(config) : "";
    const std::string after = with_chat_template(before, chat, config.string());
    make_folder(folder / "gradus");
    write_file_atomically(description_in(folder), json_of(chat.chat_template()));
    write_file_atomically(config, after);
    if (chat.header_differs_in_transformers())
        note("transformers' generation prompt for the template '" + chat.chat_template().name +
             "' ends in other ids than the conversations that the model learnt, since this tokenizer merges line ends; "
             "chatml has no such difference");
}

std::optional<ChatTemplate> load_chat_template(const fs::path& folder, const Tokenizer& tokenizer) {
    const fs::path description = description_in(folder), config = folder / config_name;
    if (fs::exists(description)) return template_from_json(read_file(description), description.string());
    if (!fs::exists(config)) return std::nullopt;
    const nlohmann::ordered_json json = config_object(read_file(config), config.string());
    const auto found = json.find("chat_template");
    if (found == json.end() || found->is_null()) return std::nullopt;
    const std::string jinja = found->is_string() ? found->get<std::string>() : found->dump();
    for (const ChatTemplate& preset : preset_templates()) {
        const ChatTemplate bound = bound_to(preset, tokenizer);
        if (jinja_of(bound) == jinja) return bound;
    }
    const std::string likely = likely_preset(jinja);
    throw Error("the chat template of '" + folder.string() + "' is not one that gradus wrote",
                "'" + config.string() + "' has it as a Jinja program, which gradus does not run" +
                    (likely.empty() ? "" : "; it looks like " + likely),
                "name the template: --template " + (likely.empty() ? "NAME" : likely));
}

}  // namespace gradus
