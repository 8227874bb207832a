#include "tools/chat_template_of.h"

#include <algorithm>

#include "align/template/template_folder.h"
#include "engine/base/error.h"

namespace gradus {

namespace {

constexpr std::string_view usual_option = "--template ";  // in the fix of load_chat_template()

std::optional<ChatTemplate> stored_template(const fs::path& folder, const Tokenizer& tokenizer,
                                            const std::string& option) {
    try {
        return load_chat_template(folder, tokenizer);
    } catch (const Error& e) {
        const size_t at = e.fix.find(usual_option);
        if (at == std::string::npos) throw;
        throw Error(e.what(), e.cause, e.fix.substr(0, at) + option + e.fix.substr(at + usual_option.size()));
    }
}

}  // namespace

ChatEncoder chat_encoder_of(const fs::path& folder, const Tokenizer& tokenizer, const std::string& model,
                            const std::string& named, const std::string& option) {
    if (!named.empty()) return {find_template(named), tokenizer};
    if (const auto stored = stored_template(folder, tokenizer, option)) return {*stored, tokenizer};
    const std::vector<std::string> presets = presets_for(tokenizer);
    std::string list;
    for (const std::string& name : presets) list += (list.empty() ? "" : ", ") + name;
    const bool has_plain = std::count(presets.begin(), presets.end(), "plain") > 0;
    throw Error("the model '" + model + "' has no chat template",
                presets.empty() ? "its tokenizer can express none of the presets: it has no token that ends a text"
                                : "its tokenizer can express " + list,
                option + (has_plain         ? "plain"
                          : presets.empty() ? "FILE.toml"
                                            : presets.front()));
}

}  // namespace gradus
