#include "tools/supervise/job.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "engine/base/error.h"
#include "engine/base/file.h"
#include "engine/base/log.h"

namespace gradus {

namespace {

using Clock = std::chrono::steady_clock;
constexpr double seconds_to_end = 10;  // for a job that was told to end immediately

double seconds_until(Clock::time_point when) { return std::chrono::duration<double>(when - Clock::now()).count(); }

Clock::time_point after(double seconds) {
    return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

// ---- start ----------------------------------------------------------------------------------------------------------

Error cannot_start(const std::string& program, int problem) {
    const bool of_mpi = program == "mpirun" || program == "mpiexec";
    const bool by_path = program.find('/') != std::string::npos;
    return Error("cannot start '" + program + "'",
                 std::string(std::strerror(problem)) + (problem == ENOENT && !by_path ? " in the folders of PATH" : ""),
                 problem == EAGAIN ? "raise the limit on your processes: ulimit -u 4096; or end some of them"
                 : of_mpi          ? "apt-get install openmpi-bin, or another --launch"
                 : by_path         ? "ls -l " + program + ", or another --launch"
                                   : "echo $PATH, or another --launch: --launch \"mpirun -n 4\"");
}

// Runs in the child, with only what is allowed between fork and exec. Returns on failure.
void become(char* const* words, pid_t parent, bool without_input, const sigset_t& mask) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(128 + SIGTERM);  // the parent died before prctl
    if (without_input) {
        const int nothing = ::open("/dev/null", O_RDONLY);
        if (nothing < 0 || ::dup2(nothing, STDIN_FILENO) < 0) return;
        ::close(nothing);
    }
    ::signal(SIGPIPE, SIG_DFL);
    ::sigprocmask(SIG_SETMASK, &mask, nullptr);
    ::execvp(words[0], words);
}

pid_t start(const std::vector<std::string>& words, const sigset_t& mask) {
    std::vector<char*> pointers;
    for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
    pointers.push_back(nullptr);
    const bool without_input = is_terminal(stdin);
    const pid_t self = ::getpid();
    ::setenv("HWLOC_HIDE_ERRORS", "2", 0);  // without /sys, mpirun prints irrelevant hwloc warnings
    std::fflush(stdout);
    std::fflush(stderr);

    int failure[2];  // closed by a successful exec; else it transports errno
    if (::pipe2(failure, O_CLOEXEC) != 0) throw cannot_start(words[0], errno);
    const pid_t child = ::fork();
    if (child == 0) {
        become(pointers.data(), self, without_input, mask);
        const int why = errno;
        ::_exit(::write(failure[1], &why, sizeof why) == sizeof why ? 127 : 126);
    }
    int problem = child < 0 ? errno : 0;
    ::close(failure[1]);
    ssize_t n = 0;
    while (child > 0 && (n = ::read(failure[0], &problem, sizeof problem)) < 0 && errno == EINTR) continue;
    ::close(failure[0]);
    if (child < 0 || n > 0) {
        if (child > 0) ::waitpid(child, nullptr, 0);
        throw cannot_start(words[0], problem);
    }
    return child;
}

// ---- end ------------------------------------------------------------------------------------------------------------

// Whether the child has ended, without reaping it.
bool has_ended(pid_t child) {
    siginfo_t info{};
    return ::waitid(P_PID, id_t(child), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == child;
}

int status_of(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::vector<pid_t> children() {
    std::vector<pid_t> all;
    std::error_code end;
    for (fs::directory_iterator at("/proc/self/task", end), last; !end && at != last; at.increment(end)) {
        std::ifstream list(at->path() / "children");
        for (pid_t child; list >> child;) all.push_back(child);
    }
    return all;
}

// This process is the subreaper (set in run_job), so it inherits the job's orphans and their children.
void end_leftovers() {
    for (std::vector<pid_t> left; !(left = children()).empty();) {
        for (const pid_t child : left) ::kill(child, SIGKILL);
        for (const pid_t child : left)
            while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) continue;
    }
}

}  // namespace

StopSignals::StopSignals() {
    sigemptyset(&waited_for_);
    for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGCHLD}) sigaddset(&waited_for_, signal);
    struct sigaction hang_up {};
    ::sigaction(SIGHUP, nullptr, &hang_up);
    if (hang_up.sa_handler != SIG_IGN) sigaddset(&waited_for_, SIGHUP);
    ::sigprocmask(SIG_BLOCK, &waited_for_, &mask_before_);

    struct sigaction action {};
    sigemptyset(&action.sa_mask);
    action.sa_handler = SIG_DFL;  // if ignored, the children's status would be lost
    ::sigaction(SIGCHLD, &action, &child_before_);
    action.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &action, &pipe_before_);
}

StopSignals::~StopSignals() {
    ::sigaction(SIGPIPE, &pipe_before_, nullptr);
    ::sigaction(SIGCHLD, &child_before_, nullptr);
    ::sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
}

int StopSignals::wait(double seconds) {
    if (seconds < 0) return std::max(::sigwaitinfo(&waited_for_, nullptr), 0);
    const timespec time{time_t(seconds), long((seconds - double(time_t(seconds))) * 1e9)};
    return std::max(::sigtimedwait(&waited_for_, nullptr, &time), 0);
}

bool StopSignals::requested_within(double seconds) {
    const auto end = after(seconds);
    for (double left = seconds; left >= 0; left = seconds_until(end))
        if (const int signal = wait(left); signal != 0 && signal != SIGCHLD) return true;
    return false;
}

JobEnd run_job(const std::vector<std::string>& words, StopSignals& signals) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    const pid_t child = start(words, signals.mask_before());
    JobEnd end;
    auto kill_at = Clock::time_point::max();
    while (!has_ended(child)) {
        const int signal = signals.wait(end.requests < 2 ? -1 : std::max(seconds_until(kill_at), 0.0));
        if (end.requests >= 2 && Clock::now() >= kill_at) {
            ::kill(child, SIGKILL);
            kill_at = after(seconds_to_end);  // it may have to wait for a disk
        }
        if (signal == 0 || signal == SIGCHLD || (signal == SIGHUP && end.requests > 0)) continue;
        ++end.requests;
        ::kill(child, end.requests == 1 ? SIGUSR1 : end.requests == 2 ? SIGTERM : SIGKILL);
        if (end.requests == 2) kill_at = after(seconds_to_end);
    }
    ::kill(-child, SIGKILL);  // the rest of its process group
    end.status = status_of(child);
    end_leftovers();
    return end;
}

}  // namespace gradus
