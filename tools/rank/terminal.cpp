#include "tools/rank/terminal.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "align/collect/typed_ranks.h"
#include "data/text.h"
#include "engine/base/error.h"
#include "engine/base/log.h"
#include "engine/base/one_line.h"
#include "engine/base/signals.h"
#include "tools/cli.h"
#include "tools/rank/service.h"

namespace gradus {

namespace {

constexpr int wait_ms = 200;  // between looks for a request to stop

void put(const std::string& text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
        throw unwritten_output();
}

void put_item(const Session& session, const Shown& shown, const RankProgress& progress) {
    const Candidates& c = session.candidates(shown.prompt);
    put(fmt::format("\n──── {} ranked, {} left\n", progress.judged, progress.left));
    for (const Message& m : c.prompt) put(fmt::format("{}: {}\n", m.role, printable(m.content)));
    for (size_t i = 0; i < shown.order.size(); ++i) {
        const std::string& answer = c.answers[size_t(shown.order[i])];
        put(fmt::format("\n[{}] {}\n", i + 1, answer.empty() ? "(an empty answer)" : printable(answer)));
    }
}

void put_help(size_t answers) {
    put(fmt::format("type the numbers from the best to the worst, with = between equals, such as {}; q ends\n",
                    answers > 2 ? "'2 1=3'" : "'2 1' or '1=2'"));
}

}  // namespace

std::optional<std::string> TypedLines::next() {
    while (true) {
        if (const size_t end = buffer_.find('\n'); end != std::string::npos) {
            std::string line = buffer_.substr(0, end);
            buffer_.erase(0, end + 1);
            return line;
        }
        if (ended_) return std::nullopt;  // what is left is not a line that a person finished
        pollfd input{STDIN_FILENO, POLLIN, 0};
        const int ready = ::poll(&input, 1, wait_ms);
        if (stop_requested()) return std::nullopt;
        if (ready <= 0) continue;
        char bytes[4096];
        const ssize_t n = ::read(STDIN_FILENO, bytes, sizeof bytes);
        if (n > 0) buffer_.append(bytes, size_t(n));
        else if (n == 0 || errno != EINTR) ended_ = true;
    }
}

void rank_in_terminal(Session& session, RankingFile& file, std::string rater) {
    TypedLines lines;
    if (rater.empty()) {
        put("your name, which is saved with your rankings: ");
        rater = trimmed(lines.next().value_or(""));
    }
    if (const std::string problem = problem_of_rater(rater); !problem.empty())
        throw Error("there is no name to save with the rankings", problem, "--rater NAME");
    while (!stop_requested()) {
        const std::optional<Shown> shown = session.next(rater, steady_seconds());
        if (!shown) return put(fmt::format("\nnothing is left for {} to rank\n", on_one_line(rater)));
        put_item(session, *shown, session.progress(rater, steady_seconds()));
        put("\n");
        put_help(shown->order.size());
        for (bool judged = false; !judged;) {
            put("> ");
            const std::optional<std::string> line = lines.next();
            if (!line || trimmed(*line) == "q") return put("\n");
            const TypedRanks typed = ranks_from_text(*line, shown->order.size());
            if (!typed.problem.empty()) {
                put(typed.problem + "\n");
                continue;
            }
            file.append(session.ranking(rater, shown->prompt, typed.ranks, steady_seconds(), time_now()));
            session.record(rater, shown->prompt);
            judged = true;
        }
    }
}

}  // namespace gradus
