#pragma once
// A conversation with a model in a terminal or a pipe: what is typed, and what becomes of it.
#include <functional>
#include <string>

#include "align/template/chat_encoder.h"
#include "engine/generate/generator.h"

namespace gradus {

class ChatSession {
public:
    struct Options {
        std::string system;  // message; empty: none
        GenerateOptions generate;
        int context = 0;  // of the model
    };
    // `show` gets the text of an answer as it comes; `stopped` is asked between tokens.
    ChatSession(LanguageModel&, const ChatEncoder&, Options, std::function<void(const std::string&)> show,
                std::function<bool()> stopped);

    // A line that was typed: a message, or one of the commands of help(). False: the conversation is over.
    bool take(const std::string& line);
    static const char* help();

    const Conversation& conversation() const { return conversation_; }

private:
    void answer();
    void command(const std::string& name, const std::string& argument);
    void save(const std::string& file) const;

    const ChatEncoder& chat_;
    Options options_;
    std::function<void(const std::string&)> show_;
    std::function<bool()> stopped_;
    Generator generator_;
    Conversation conversation_;
    uint64_t answers_ = 0;  // each draws its own random numbers
    bool over_ = false;
};

}  // namespace gradus
