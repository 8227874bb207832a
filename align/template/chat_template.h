#pragma once
// A chat template as data: how a conversation becomes one text. The text (turns.h), ids with their loss mask
// (chat_encoder.h), the Jinja template for other programs (jinja.h) and the way back from an answer are all read from
// this one description.
//
//   text = opening, system message, then for each message its pattern with the message in place of {content}
//
//   name = "chatml"
//   user = "<|im_start|>user\n{content}<|im_end|>\n"
//   assistant = "<|im_start|>assistant\n{content}<|im_end|>\n"
//   system = "<|im_start|>system\n{content}<|im_end|>\n"
//   end_of_turn = "<|im_end|>"
//   trim = ["assistant"]
//
// {bos} and {eos} stand for the tokenizer's tokens that begin and end a text; they are replaced once the tokenizer is
// known. The generation prompt, after which the model answers, is the assistant's pattern up to {content}; a space
// right before {content} belongs to the answer, since tokens contain the space before a word.
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/file.h"

namespace gradus {

struct ChatTemplate {
    std::string name;
    std::string opening;      // once, at the beginning
    std::string user;         // a pattern with {content}
    std::string assistant;    // a pattern with {content} and, after it, end_of_turn
    std::string system;       // a pattern with {content}; or else
    std::string first_user;   // the pattern of the first user message after a system message, with {system}, {content}
    std::string between;      // after an answer, before the next user message
    std::string end_of_turn;  // the token that the model learns to end an answer with, and that ends generation
    std::string default_system;     // of conversations without a system message; empty: none
    std::vector<std::string> trim;  // roles whose messages lose white space at both ends
    std::vector<std::string>
        markers;  // special tokens that the tokenizer must have, besides {bos}, {eos} and end_of_turn

    // How a record of an instruction with an input (data in the formats of Alpaca and Dolly) becomes a user message:
    std::string input_heading = "\n\n";  // between the two
    std::string input_system;            // the system message of such a conversation; empty: as without an input

    bool operator==(const ChatTemplate&) const = default;

    // visit(key, member) for all strings and lists, in the order in which they are written.
    template <class Template, class Visit>
    static void each(Template& t, Visit&& visit) {
        visit("name", t.name);
        visit("opening", t.opening);
        visit("system", t.system);
        visit("first_user", t.first_user);
        visit("user", t.user);
        visit("assistant", t.assistant);
        visit("between", t.between);
        visit("end_of_turn", t.end_of_turn);
        visit("default_system", t.default_system);
        visit("trim", t.trim);
        visit("markers", t.markers);
        visit("input_heading", t.input_heading);
        visit("input_system", t.input_system);
    }

    bool trims(std::string_view role) const;
};

// What every pattern must have; otherwise an Error that names the key. `where`: the file, for errors.
void check_template(const ChatTemplate& chat_template, const std::string& where);

// From and to a JSON object, or TOML, with the keys above; those with the default value may be missing. Error with the
// place of an unknown key, a value of the wrong type, or a pattern without its parts.
ChatTemplate template_from_json(std::string_view text, const std::string& where);
ChatTemplate template_from_toml(const std::string& text, const std::string& where);
std::string json_of(const ChatTemplate& chat_template);

// What a user writes: the name of a preset (presets.h), a file NAME.json or NAME.toml, or TOML itself (a text with
// "=").
ChatTemplate find_template(const std::string& text);

// A pattern at its placeholder: the texts before and after it. The placeholder must be in the pattern.
struct Halves {
    std::string before, after;
};
Halves split_at(std::string_view pattern, std::string_view placeholder);
std::string replaced(std::string text, std::string_view placeholder, std::string_view value);

// The parts of the assistant's pattern.
struct AnswerPattern {
    std::string header;  // the generation prompt
    std::string before;  // "" or " ": of the answer
    std::string end;     // of the answer, up to and with end_of_turn
    std::string after;   // not of the answer
};
AnswerPattern answer_pattern(const ChatTemplate& chat_template);

}  // namespace gradus
