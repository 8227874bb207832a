#include "tools/chat/conversation.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

#include <nlohmann/json.hpp>

#include "align/samples/samples.h"
#include "engine/base/append_file.h"
#include "engine/base/suggest.h"
#include "tokenizer/stream_decoder.h"

namespace gradus {

ChatSession::ChatSession(LanguageModel& model, const ChatEncoder& chat, Options options,
                         std::function<void(const std::string&)> show, std::function<bool()> stopped)
    : chat_(chat),
      options_(std::move(options)),
      show_(std::move(show)),
      stopped_(std::move(stopped)),
      generator_(model, {.sequences = 1, .context = options_.context}) {
    options_.generate.ends_of_text = {chat.end_of_turn()};
    if (!options_.system.empty()) conversation_.push_back({"system", options_.system});
}

const char* ChatSession::help() {
    return "/reset        forget the conversation, but for the system message\n"
           "/system TEXT  another system message, and a new conversation; without TEXT: none\n"
           "/retry        another answer to the last message\n"
           "/save FILE    append the conversation to FILE, a line that gradus sft can learn from\n"
           "/exit         end; Ctrl-D does the same, and Ctrl-C stops an answer\n";
}

bool ChatSession::take(const std::string& line) {
    if (stripped(line).empty()) return true;
    if (line[0] == '/') {
        const size_t space = line.find(' ');
        command(line.substr(0, space),
                space == std::string::npos ? "" : std::string(stripped(std::string_view(line).substr(space))));
        return !over_;
    }
    conversation_.push_back({"user", line});
    answer();
    return true;
}

void ChatSession::command(const std::string& name, const std::string& argument) {
    const auto forget = [&] {
        conversation_.clear();
        if (!options_.system.empty()) conversation_.push_back({"system", options_.system});
    };
    if (name == "/exit" || name == "/quit") {
        over_ = true;
    } else if (name == "/reset") {
        forget();
    } else if (name == "/system") {
        options_.system = argument;
        forget();
    } else if (name == "/retry") {
        if (!conversation_.empty() && conversation_.back().role == "assistant") conversation_.pop_back();
        if (conversation_.empty() || conversation_.back().role != "user") show_("there is no message to answer\n");
        else answer();
    } else if (name == "/save") {
        save(argument);
    } else if (name == "/help") {
        show_(help());
    } else {
        const std::string near = nearest_name(name, {"/exit", "/reset", "/system", "/retry", "/save", "/help"});
        show_("there is no command " + name + (near.empty() ? "" : ", did you mean " + near + "?") + "\n" + help());
    }
}

void ChatSession::answer() {
    const int longest = std::max(1, options_.context - options_.generate.max_tokens);
    const std::vector<int32_t> prompt = fitted_prompt(conversation_, chat_, longest);
    if (prompt.empty()) {
        show_("this message does not fit into the model's context of " + std::to_string(options_.context) +
              " tokens\n");
        conversation_.pop_back();
        return;
    }
    StreamDecoder decoder(chat_.tokenizer());
    std::vector<int32_t> ids;
    bool begun = false;  // with something other than white space
    generator_.generate({{prompt, answers_++}}, options_.generate, [&](int, int32_t id) {
        ids.push_back(id);
        const std::string more = id < chat_.tokenizer().vocab_size() ? decoder.push(id) : "\uFFFD";
        const std::string text = begun ? more : more.substr(std::min(more.find_first_not_of(" \n"), more.size()));
        begun = begun || !text.empty();
        show_(text);
        return !stopped_();
    });
    show_(decoder.flush() + "\n");
    conversation_.push_back({"assistant", std::string(stripped(chat_.answer_of(ids).text))});
}

void ChatSession::save(const std::string& file) const {
    if (file.empty()) return show_("/save needs the name of a file\n");
    if (conversation_.empty() || conversation_.back().role != "assistant") return show_("there is nothing to save\n");
    nlohmann::ordered_json messages = nlohmann::ordered_json::array();
    for (const Message& m : conversation_) messages.push_back({{"role", m.role}, {"content", m.content}});
    const nlohmann::ordered_json line = {{"messages", messages}};
    AppendFile out(file, O_WRONLY | O_CREAT | O_APPEND);
    const bool saved =
        out.is_open() && out.append(line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
    show_(saved ? "saved to " + file + "\n" : "could not save to " + file + ": " + std::strerror(errno) + "\n");
}

}  // namespace gradus
