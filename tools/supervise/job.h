#pragma once
// Runs a command in its own process group, with our input, output and environment, and handles the signals that we
// receive meanwhile. tools/supervise/supervise.h describes their meaning.
#include <signal.h>

#include <string>
#include <vector>

namespace gradus {

// While an object exists, SIGINT, SIGTERM, SIGUSR1, SIGHUP and SIGCHLD are blocked until requested, and SIGPIPE is
// ignored. Only for single-threaded processes: a second thread would receive the signals instead.
class StopSignals {
public:
    StopSignals();
    ~StopSignals();
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;

    // The next signal; 0 if there was none for so many seconds (negative: wait forever), or spuriously.
    int wait(double seconds);
    // Whether a signal other than SIGCHLD arrives in that time.
    bool requested_within(double seconds);

    const sigset_t& mask_before() const { return mask_before_; }

private:
    sigset_t waited_for_, mask_before_;
    struct sigaction child_before_, pipe_before_;
};

struct JobEnd {
    int status = 0;    // what it exited with; 128 + n: signal n ended it
    int requests = 0;  // number of signals to us that requested its end
};

// Runs a command (looked up in PATH) and waits for its end. It gets SIGTERM if this process dies, and /dev/null as
// input if ours is a terminal, which only the foreground may read. Children that outlive it are killed, even if they
// left its process group as mpirun's ranks do. Error if it cannot be started.
JobEnd run_job(const std::vector<std::string>& words, StopSignals&);

}  // namespace gradus
