#pragma once
// A conversation as a list of segments, in the order of the text: the fixed text of the template and the messages.
//
// Only the template's own text may contain special tokens; a message never does, whatever it spells.
#include <string>
#include <vector>

#include "align/template/chat_template.h"
#include "align/template/message.h"

namespace gradus {

struct Segment {
    std::string text;
    enum class From { pattern, message } from;
    int answer = -1;  // index of the message, for what a model writes: the assistant's message with its end of turn
};

// Ends with the generation prompt if the last message is the user's. Errors: roles out of order; a system message for a
// template that has no place for it.
std::vector<Segment> segments_of(const Conversation& conversation, const ChatTemplate& chat_template, LastMessage last);

std::string text_of(const std::vector<Segment>& segments);

}  // namespace gradus
