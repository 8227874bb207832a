#include "align/template/bind.h"

#include <algorithm>
#include <set>

#include "engine/base/one_line.h"

namespace gradus {

namespace {

std::optional<std::string> first_special(const Tokenizer& tokenizer, std::initializer_list<const char*> names) {
    for (const char* name : names)
        if (tokenizer.id_of(name)) return name;
    return std::nullopt;
}

std::optional<std::string> begin_of_text(const Tokenizer& tokenizer) {
    const std::vector<int32_t>& opening = tokenizer.parts().opening;
    if (opening.size() == 1) return std::string(tokenizer.bytes_of(opening[0]));
    return first_special(tokenizer, {"<s>", "<|begin_of_text|>", "<|bos|>", "<|endoftext|>"});
}

std::optional<std::string> end_of_text(const Tokenizer& tokenizer) {
    return first_special(tokenizer, {"</s>", "<|endoftext|>", "<|end_of_text|>", "<|eos|>", "<eos>"});
}

// Special tokens of the text are passed over, as the encoder recognises them.
void collect_missing_characters(std::string_view text, const Tokenizer& tokenizer, const std::set<std::string>& known,
                                std::set<std::string>& missing) {
    const Vocabulary& vocabulary = tokenizer.parts().vocabulary;
    for (size_t at = 0; at < text.size();) {
        const auto found = vocabulary.find(text, at, Vocabulary::Wanted::added_and_special);
        const size_t end = found ? found->at : text.size();
        while (at < end) {
            const size_t length = std::max<size_t>(character_at(text, at), 1);
            const std::string character(text.substr(at, length));
            if (!known.contains(character)) missing.insert(character);
            at += length;
        }
        if (found) at = found->at + found->length;
    }
}

}  // namespace

ChatTemplate bound_to(const ChatTemplate& chat_template, const Tokenizer& tokenizer) {
    ChatTemplate bound = chat_template;
    const auto bos = begin_of_text(tokenizer), eos = end_of_text(tokenizer);
    for (std::string* text : {&bound.opening, &bound.system, &bound.first_user, &bound.user, &bound.assistant,
                              &bound.between, &bound.end_of_turn}) {
        if (bos) *text = replaced(*text, "{bos}", *bos);
        if (eos) *text = replaced(*text, "{eos}", *eos);
    }
    return bound;
}

std::vector<std::string> missing_tokens(const ChatTemplate& bound, const Tokenizer& tokenizer) {
    std::vector<std::string> missing;
    std::string fixed = bound.opening + bound.between + bound.default_system;
    for (const std::string* text : {&bound.system, &bound.first_user, &bound.user, &bound.assistant})
        fixed += replaced(replaced(*text, "{content}", ""), "{system}", "");
    for (const char* placeholder : {"{bos}", "{eos}"})
        if (fixed.find(placeholder) != std::string::npos) missing.push_back(placeholder);
    std::vector<std::string> needed = bound.markers;
    needed.push_back(bound.end_of_turn);
    for (const std::string& token : needed)
        if (!tokenizer.id_of(token) && std::find(missing.begin(), missing.end(), token) == missing.end())
            missing.push_back(token);
    if (!missing.empty() || tokenizer.kind() != TokenizerKind::characters) return missing;

    std::set<std::string> known, unknown;
    for (int32_t id = 0; id < tokenizer.vocab_size(); ++id)
        if (!tokenizer.is_special(id)) known.insert(std::string(tokenizer.bytes_of(id)));
    collect_missing_characters(fixed, tokenizer, known, unknown);
    return {unknown.begin(), unknown.end()};
}

}  // namespace gradus
