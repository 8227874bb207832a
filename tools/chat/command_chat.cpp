// gradus chat: talks to a model in the terminal.
#include <csignal>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

#include "engine/base/log.h"
#include "tools/chat/conversation.h"
#include "tools/chat_template_of.h"
#include "tools/cli.h"
#include "tools/device.h"
#include "tools/open_model.h"
#include "tools/sampling_options.h"

namespace gradus {

namespace {

struct ChatCommand {
    std::string model, chat_template, system;
    GenerateOptions generate{.max_tokens = 256};
    ComputeOptions compute;
};

std::atomic<bool> interrupted = false;

// Ctrl-C interrupts an answer, or the reading of a line; it never ends the program.
void catch_interrupts() {
    struct sigaction action = {};
    action.sa_handler = [](int) { interrupted = true; };
    sigaction(SIGINT, &action, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
}

void show(const std::string& text) {
    std::string safe = text;
    if (is_terminal(stdout))
        std::erase_if(safe, [](char c) { return (c >= 0 && c < ' ' && c != '\n' && c != '\t') || c == 0x7f; });
    if (std::fwrite(safe.data(), 1, safe.size(), stdout) != safe.size() || std::fflush(stdout) != 0)
        throw unwritten_output();
}

// False at the end of the input.
bool read_line(std::string& line, bool asks) {
    for (;;) {
        if (asks) show("> ");
        char* text = nullptr;
        size_t room = 0;
        errno = 0;
        const ssize_t length = getline(&text, &room, stdin);
        const bool again = length < 0 && errno == EINTR;
        if (length > 0) line.assign(text, size_t(length));
        std::free(text);
        if (length > 0) break;
        if (!again) return false;
        std::clearerr(stdin);
        interrupted = false;
        show("\n/exit or Ctrl-D ends\n");
    }
    if (line.back() == '\n') line.pop_back();
    return true;
}

void chat(const ChatCommand& o) {
    validate(o.generate.sampling);
    use_threads(o.compute.threads);
    const ModelFolder folder = open_model_folder(o.model);
    const ChatEncoder encoder =
        chat_encoder_of(folder.folder, folder.tokenizer, o.model, o.chat_template, "--template ");
    const auto model = load_model(folder, ops_of(o.compute.device), parse_dtype(o.compute.dtype), {}, o.compute.graphs);
    ChatSession::Options options = {.system = o.system, .generate = o.generate, .context = folder.config.context};
    options.generate.max_tokens = std::min(options.generate.max_tokens, std::max(1, options.context / 2));
    catch_interrupts();
    ChatSession session(*model, encoder, options, show, [] { return interrupted.exchange(false); });
    const bool asks = is_terminal(stdin) && is_terminal(stdout);
    if (asks) show(fmt::format("{}, template {}. /help lists the commands.\n", o.model, encoder.chat_template().name));
    for (std::string line; read_line(line, asks);) {
        interrupted = false;
        if (!session.take(line)) break;
    }
    if (asks) show("\n");
}

}  // namespace

void add_chat_command(CLI::App& app) {
    auto o = std::make_shared<ChatCommand>();
    o->generate.sampling.temperature = 0.8;
    CLI::App* command = app.add_subcommand(
        "chat",
        "Talks to a model in the terminal, with the chat template that is stored with it. The oldest messages are "
        "forgotten when the\n"
        "conversation no longer fits into the model's context. In a pipe, each line is a message.\n\n" +
            std::string(ChatSession::help()) + "\nExample: gradus chat runs/sft");
    command
        ->add_option("MODEL", o->model,
                     "folder of a run (its latest checkpoint), of a checkpoint, or of a Hugging Face model")
        ->required();
    command->add_option("--template", o->chat_template,
                        "chatml, llama2, llama3, zephyr, alpaca, dolly, nanochat, plain, a file, or TOML; default: the "
                        "model's");
    command->add_option("--system", o->system, "system message");
    command->add_option("-n,--max-tokens", o->generate.max_tokens, "longest answer, in tokens")
        ->transform(whole_between(1, 1 << 24))
        ->capture_default_str();
    add_sampling_options(*command, o->generate.sampling);
    add_compute_options(*command, o->compute);
    add_graphs_option(*command, o->compute.graphs);
    command->callback([o] { chat(*o); });
}

}  // namespace gradus
