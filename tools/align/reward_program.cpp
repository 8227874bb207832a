#include "tools/align/reward_program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>

#include "engine/base/error.h"
#include "engine/base/json_text.h"
#include "engine/base/log.h"
#include "engine/base/one_line.h"

namespace gradus {

namespace {

using ProgramClock = std::chrono::steady_clock;
constexpr size_t longest_reply = size_t(1) << 20;
constexpr double seconds_to_leave = 5;

double seconds_left(ProgramClock::time_point deadline) {
    return std::chrono::duration<double>(deadline - ProgramClock::now()).count();
}

ProgramClock::time_point in_seconds(double seconds) {
    return ProgramClock::now() +
           std::chrono::duration_cast<ProgramClock::duration>(std::chrono::duration<double>(seconds));
}

Error no_program(const std::string& command, int problem) {
    return Error("cannot start the reward program '" + command + "'", std::strerror(problem),
                 "raise the limits on your processes and files: ulimit -u 4096; ulimit -n 4096");
}

// A pipe of which this process keeps one end, which other programs that it starts do not inherit.
struct Pipe {
    int read = -1, write = -1;

    explicit Pipe(const std::string& command) {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) throw no_program(command, errno);
        read = ends[0];
        write = ends[1];
    }
};

void close_end(int& descriptor) {
    if (descriptor >= 0) ::close(descriptor);
    descriptor = -1;
}

void never_wait(int descriptor) { ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK); }

// How a program ended; empty: it has not, within that time.
std::string end_of(pid_t process, double seconds) {
    const auto deadline = in_seconds(seconds);
    for (;;) {
        int status = 0;
        const pid_t found = ::waitpid(process, &status, WNOHANG);
        if (found == process && WIFSIGNALED(status)) return fmt::format("signal {} ended it", WTERMSIG(status));
        if (found == process) return fmt::format("it ended with exit status {}", WEXITSTATUS(status));
        if (found < 0 && errno != EINTR) return "it has ended";
        if (seconds_left(deadline) <= 0) return "";
        ::usleep(2000);
    }
}

constexpr const char* protocol = "it must write {\"score\": NUMBER or null} for each line that it reads";

}  // namespace

RewardProgram::RewardProgram(std::string command, double seconds) : command_(std::move(command)), seconds_(seconds) {
    std::signal(SIGPIPE, SIG_IGN);  // a program that ends early is an Error of write()
    Pipe in(command_), out(command_);
    to_ = in.write;
    from_ = out.read;
    never_wait(to_);
    never_wait(from_);

    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, in.read, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, out.write, STDOUT_FILENO);
    // A process group of its own: Ctrl-C ends the run after its step, and the step needs the program.
    posix_spawnattr_t how;
    sigset_t usual, none;
    ::sigemptyset(&none);
    ::sigemptyset(&usual);
    ::sigaddset(&usual, SIGPIPE);
    ::posix_spawnattr_init(&how);
    ::posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    ::posix_spawnattr_setpgroup(&how, 0);
    ::posix_spawnattr_setsigdefault(&how, &usual);
    ::posix_spawnattr_setsigmask(&how, &none);
    const char* const words[] = {"sh", "-c", command_.c_str(), nullptr};
    const int problem = ::posix_spawn(&process_, "/bin/sh", &files, &how, const_cast<char* const*>(words), environ);
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&how);
    close_end(in.read);
    close_end(out.write);
    if (problem == 0) return;
    process_ = -1;
    close_end(to_);
    close_end(from_);
    throw no_program(command_, problem);
}

RewardProgram::~RewardProgram() {
    close_end(to_);
    close_end(from_);
    if (process_ < 0) return;
    if (!end_of(process_, seconds_to_leave).empty()) process_ = -process_;
    ::kill(process_ < 0 ? process_ : -process_, SIGKILL);  // what is left of its group
    if (process_ > 0) ::waitpid(process_, nullptr, 0);
}

// False: it no longer reads.
bool RewardProgram::send(const std::string& text, size_t& sent) {
    const ssize_t n = ::write(to_, text.data() + sent, text.size() - sent);
    if (n > 0) sent += size_t(n);
    return n >= 0 || errno == EAGAIN || errno == EINTR;
}

// False: it no longer writes.
bool RewardProgram::receive() {
    char bytes[1 << 16];
    const ssize_t n = ::read(from_, bytes, sizeof bytes);
    if (n > 0) buffer_.append(bytes, size_t(n));
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

void RewardProgram::ended(const std::string& question, size_t received, size_t expected) {
    std::string how = end_of(process_, seconds_to_leave);
    if (!how.empty()) process_ = -1;
    else how = "it closed its output";
    throw Error(fmt::format("the reward program '{}' wrote {} of {} scores", command_, received, expected),
                how + "; its own messages are above",
                "try it: echo '" + on_one_line(question, 300) + "' | " + command_);
}

AnswerScores RewardProgram::scores(const std::vector<std::string>& lines) {
    std::string all;
    for (const std::string& line : lines) all += line + "\n";
    const auto deadline = in_seconds(seconds_);
    std::vector<std::string> replies;
    const auto took = [&] {
        size_t begin = 0;
        for (size_t end; replies.size() < lines.size() && (end = buffer_.find('\n', begin)) != std::string::npos;) {
            replies.push_back(buffer_.substr(begin, end - begin));
            begin = end + 1;
        }
        buffer_.erase(0, begin);
        return replies.size() == lines.size();
    };
    const auto require_no_more = [&] {
        if (buffer_.empty()) return;
        throw Error(fmt::format("the reward program '{}' writes more than it is asked for", command_),
                    fmt::format("after {} scores for {} answers came {}", replies.size(), lines.size(),
                                shown(on_one_line(buffer_, 80))),
                    protocol);
    };
    if (asked_) {  // what came after the scores of the iteration before would be taken for these
        receive();
        require_no_more();
    }
    asked_ = true;
    for (size_t sent = 0; !took();) {
        pollfd ends[] = {{from_, POLLIN, 0}, {sent < all.size() ? to_ : -1, POLLOUT, 0}};
        const double left = seconds_left(deadline);
        if (left <= 0)
            throw Error(fmt::format("the reward program '{}' wrote {} of {} scores in {} s", command_, replies.size(),
                                    lines.size(), seconds_),
                        "it is too slow, it waits for the end of its input, or its output is in a buffer",
                        fmt::format("flush after every line (python: print(line, flush=True)), or "
                                    "--set grpo.reward_seconds={:.0f}",
                                    std::ceil(seconds_ * 10)));
        if (::poll(ends, 2, int(std::ceil(std::min(left, 1.0) * 1000))) <= 0) continue;
        if (ends[1].revents != 0 && !send(all, sent))
            sent = all.size();  // it may have written all scores before it ended
        if (ends[0].revents != 0 && !receive()) {
            took();
            if (replies.size() < lines.size()) ended(lines[replies.size()], replies.size(), lines.size());
        }
        took();
        if (buffer_.size() > longest_reply && replies.size() < lines.size()) refuse_reply(buffer_, replies.size() + 1);
    }
    AnswerScores all_scores = parsed(replies);  // first: a line that is no score says more than how many there are
    require_no_more();
    return all_scores;
}

void RewardProgram::refuse_reply(const std::string& line, size_t number) const {
    throw Error(fmt::format("the reward program '{}' wrote something else than a score", command_),
                fmt::format("line {}: {}", number, shown(on_one_line(line, 120))), protocol);
}

AnswerScores RewardProgram::parsed(const std::vector<std::string>& lines) const {
    AnswerScores all;
    for (const std::string& line : lines) {
        const JsonText text = try_parse_json(line, JsonKeys::any);
        const bool has = text.problem.empty() && text.value.is_object() && text.value.contains("score");
        if (has && text.value["score"].is_null()) all.add_none();
        else if (has && text.value["score"].is_number()) all.add(text.value["score"].get<double>());
        else refuse_reply(line, all.scores.size() + 1);
    }
    return all;
}

}  // namespace gradus
