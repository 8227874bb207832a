#include "align/template/chat_encoder.h"

#include "align/template/bind.h"
#include "align/template/presets.h"
#include "data/text.h"
#include "engine/base/error.h"
#include "engine/base/one_line.h"

namespace gradus {

namespace {

bool ends_in_white_space(std::string_view text) { return !text.empty() && is_space(text.back()); }

std::string list_of(const std::vector<std::string>& names) {
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
    return list;
}

Error cannot_express(const ChatTemplate& t, const std::vector<std::string>& missing, const Tokenizer& tokenizer) {
    std::vector<std::string> names;
    for (const std::string& token : missing)
        names.push_back(token == "{bos}"   ? "a token that begins a text ({bos})"
                        : token == "{eos}" ? "a token that ends a text ({eos}: </s>, <|endoftext|>, …)"
                                           : shown(token));
    const std::vector<std::string> possible = presets_for(tokenizer);
    return Error("the tokenizer cannot express the chat template '" + t.name + "'",
                 "it lacks " + list_of(names) +
                     (possible.empty() ? "; it can express no preset" : "; it can express " + list_of(possible)),
                 possible.empty() ? "train a tokenizer with the special tokens that the template needs"
                                  : "choose one of these presets, or a tokenizer that has these special tokens");
}

}  // namespace

std::vector<std::string> presets_for(const Tokenizer& tokenizer) {
    std::vector<std::string> names;
    for (const ChatTemplate& t : preset_templates())
        if (missing_tokens(bound_to(t, tokenizer), tokenizer).empty()) names.push_back(t.name);
    return names;
}

ChatEncoder::ChatEncoder(const ChatTemplate& chat_template, Tokenizer tokenizer)
    : template_(bound_to(chat_template, tokenizer)), tokenizer_(std::move(tokenizer)) {
    check_template(template_, template_.name);
    if (const auto missing = missing_tokens(template_, tokenizer_); !missing.empty())
        throw cannot_express(template_, missing, tokenizer_);
    end_of_turn_ = *tokenizer_.id_of(template_.end_of_turn);
}

EncodedChat ChatEncoder::encode(const Conversation& conversation, Learn learn) const {
    const auto segments = segments_of(conversation, template_, LastMessage::answer);
    const int first_learnt = learn == Learn::last_answer ? int(conversation.size()) - 1 : 0;
    return encode_segments(segments, first_learnt, LastMessage::answer);
}

std::vector<int32_t> ChatEncoder::encode_prompt(const Conversation& conversation) const {
    const auto segments = segments_of(conversation, template_, LastMessage::question);
    return encode_segments(segments, 0, LastMessage::question).ids;
}

// Text is collected until a special token of the template or an edge of an answer, then encoded as a whole.
EncodedChat ChatEncoder::encode_segments(const std::vector<Segment>& segments, int first_learnt,
                                         LastMessage last) const {
    const Vocabulary& vocabulary = tokenizer_.parts().vocabulary;
    EncodedChat out;
    std::string text;
    bool learnt = false;
    const auto flush = [&](bool before_answer) {
        if (before_answer) {
            const std::vector<int32_t> ids = encode_before_answer(text);
            out.ids.insert(out.ids.end(), ids.begin(), ids.end());
        } else {
            tokenizer_.encode_append(text, out.ids);
        }
        text.clear();
        out.learnt.resize(out.ids.size(), learnt);
    };
    int answer = -1;
    for (const Segment& s : segments) {
        if (s.answer != answer) flush(s.answer >= 0);
        answer = s.answer;
        learnt = answer >= 0 && answer >= first_learnt;
        size_t at = 0;
        if (s.from == Segment::From::pattern)
            while (const auto found = vocabulary.find(s.text, at, Vocabulary::Wanted::added_and_special)) {
                const bool special = vocabulary.is_special(found->id);
                const size_t end = found->at + found->length;
                text += s.text.substr(at, (special ? found->at : end) - at);
                at = end;
                if (!special) continue;
                flush(false);
                out.ids.push_back(found->id);
                out.learnt.push_back(learnt);
            }
        text += s.text.substr(at);
    }
    flush(last == LastMessage::question);
    return out;
}

// White space at the end is encoded as before a word, which is how most answers begin.
std::vector<int32_t> ChatEncoder::encode_before_answer(const std::string& text) const {
    if (tokenizer_.kind() == TokenizerKind::byte_level_bpe && ends_in_white_space(text)) {
        const std::string first_word = answer_pattern(template_).before + "a";
        std::vector<int32_t> ids = tokenizer_.encode(text + first_word);
        if (tokenizer_.bytes_of(ids.back()) == first_word) {
            ids.pop_back();
            return ids;
        }
    }
    return tokenizer_.encode(text);
}

bool ChatEncoder::header_differs_in_transformers() const {
    const std::string header = answer_pattern(template_).header;
    size_t end = 0;  // of the last special token
    while (const auto found = tokenizer_.parts().vocabulary.find(header, end, Vocabulary::Wanted::added_and_special))
        end = found->at + found->length;
    return encode_before_answer(header.substr(end)) != tokenizer_.encode(header.substr(end));
}

Answer ChatEncoder::answer_of(std::span<const int32_t> ids) const {
    const AnswerPattern pattern = answer_pattern(template_);
    Answer answer;
    size_t n = 0;
    while (n < ids.size() && ids[n] != end_of_turn_) ++n;
    answer.ended = n < ids.size();
    answer.text = tokenizer_.decode(ids.first(n));
    const std::string end = pattern.end.substr(0, pattern.end.size() - template_.end_of_turn.size());
    if (answer.text.starts_with(pattern.before)) answer.text.erase(0, pattern.before.size());
    if (answer.ended && answer.text.ends_with(end)) answer.text.resize(answer.text.size() - end.size());
    if (template_.trims("assistant")) answer.text = stripped(answer.text);
    return answer;
}

}  // namespace gradus
