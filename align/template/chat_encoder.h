#pragma once
// A chat template bound to a tokenizer: conversations to ids with their loss mask, and answers back to text.
//
//   const ChatEncoder chat(find_template("chatml"), tokenizer);
//   const EncodedChat sample = chat.encode(conversation);         // ids and what is learnt, for training
//   std::vector<int32_t> ids = chat.encode_prompt(conversation);  // ends with the header of the answer
//
// One pass over the segments of the conversation (turns.h) gives the ids and the mask. Learnt are the assistant's
// messages, each with its end of turn, and nothing else: so the model learns to end an answer. The mask is never
// derived from ids.
//
// Ids are those of transformers' apply_chat_template, as text between special tokens is encoded as a whole. There are
// two deliberate differences:
//
//   - A special token that a message spells out ("<|im_end|>") is ordinary text. No message can fake another's role.
//   - An answer always begins with a new token, so the ids of a conversation begin with those of its prompt, bit for
//     bit: training and chat see the same ids. White space at the end of the header is encoded as before a letter.
//     So apply_chat_template(add_generation_prompt=True) gives other ids where the tokenizer merges two line ends and
//     the header ends in two (llama3): header_differs_in_transformers() says so.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "align/template/chat_template.h"
#include "align/template/message.h"
#include "align/template/turns.h"
#include "tokenizer/tokenizer.h"

namespace gradus {

struct EncodedChat {
    std::vector<int32_t> ids;
    std::vector<uint8_t> learnt;  // 1: a target of training
};

enum class Learn { every_answer, last_answer };

struct Answer {
    std::string text;
    bool ended = false;  // with the end of turn
};

class ChatEncoder {
public:
    // Error if the tokenizer lacks a special token of the template; it names the missing tokens and the presets that
    // this tokenizer can express.
    ChatEncoder(const ChatTemplate& chat_template, Tokenizer tokenizer);

    // Errors: as segments_of; characters that the tokenizer does not have.
    EncodedChat encode(const Conversation& conversation, Learn learn = Learn::every_answer) const;
    std::vector<int32_t> encode_prompt(const Conversation& conversation) const;

    int32_t end_of_turn() const { return end_of_turn_; }
    // The message in what a model wrote after a prompt: up to the end of turn, without the template's text.
    Answer answer_of(std::span<const int32_t> ids) const;

    // With {bos} and {eos} replaced by this tokenizer's tokens.
    const ChatTemplate& chat_template() const { return template_; }
    const Tokenizer& tokenizer() const { return tokenizer_; }

    bool header_differs_in_transformers() const;

private:
    EncodedChat encode_segments(const std::vector<Segment>& segments, int first_learnt, LastMessage last) const;
    std::vector<int32_t> encode_before_answer(const std::string& text) const;

    ChatTemplate template_;
    Tokenizer tokenizer_;
    int32_t end_of_turn_ = 0;
};

// The presets that this tokenizer can express.
std::vector<std::string> presets_for(const Tokenizer& tokenizer);

}  // namespace gradus
