#include "engine/base/signals.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstring>

#include "engine/base/exit_status.h"
#include "engine/base/log.h"

namespace gradus {

namespace {

volatile sig_atomic_t signals_seen = 0;
std::atomic<int64_t> first_seen = 0;  // nanoseconds of the monotonic clock
static_assert(std::atomic<int64_t>::is_always_lock_free);

int64_t now() {
    timespec t;
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return int64_t(t.tv_sec) * 1000000000 + t.tv_nsec;
}

void say(const char* text) {  // write() is what a signal handler may call
    if (::write(STDERR_FILENO, text, std::strlen(text)) < 0) return;
}

void on_signal(int) {
    if (signals_seen > 0) ::_exit(status_stopped_at_once);
    first_seen = now();
    signals_seen = 1;
    if (prints_output()) say("\nstopping after this step; a second Ctrl-C stops at once\n");
}

}  // namespace

void install_stop_signals() {
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;  // reads and writes in progress continue
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGUSR1, &action, nullptr);  // mpirun forwards it to its ranks and does not kill them afterwards
    struct sigaction inherited {};
    sigaction(SIGHUP, nullptr, &inherited);
    if (inherited.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);

    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, nullptr);
}

bool stop_requested() { return signals_seen > 0; }

double seconds_since_stop_request() { return stop_requested() ? double(now() - first_seen) * 1e-9 : 0; }

}  // namespace gradus
