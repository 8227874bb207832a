#pragma once
// One run of a command in a process group of its own, with our input, output and environment, and the signals that reach us
// meanwhile. tools/supervise/supervise.h says what they mean.
#include <signal.h>

#include <string>
#include <vector>

namespace gradus {

// While it lives, SIGINT, SIGTERM, SIGUSR1, SIGHUP and SIGCHLD wait until they are asked for, and SIGPIPE is ignored. For the
// only thread of a process: a second one would be interrupted in its place.
class StopSignals {
public:
    StopSignals();
    ~StopSignals();
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;

    // The next signal; 0 when there was none for so many seconds (negative: for ever), or for no reason.
    int wait(double seconds);
    // Whether a signal other than SIGCHLD comes in that time.
    bool requested_within(double seconds);

    const sigset_t& mask_before() const { return mask_before_; }

private:
    sigset_t waited_for_, mask_before_;
    struct sigaction child_before_, pipe_before_;
};

struct JobEnd {
    int status = 0;    // what it exited with; 128 + n: signal n ended it
    int requests = 0;  // how often a signal to us asked for its end
};

// Starts the words as a command, looked up in PATH, and waits for its end. It gets SIGTERM if this process dies, and
// /dev/null as input where ours is a terminal, from which only the foreground may read. Children that outlive it are
// killed, also those that left its process group, as the ranks of mpirun do. Error when it cannot be started.
JobEnd run_job(const std::vector<std::string>& words, StopSignals&);

}  // namespace gradus
