#include "engine/base/threads.h"

#include <sys/resource.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

namespace gradus {

namespace {

int threads_of_process() {
    std::error_code unknown;
    int n = 0;
    for (std::filesystem::directory_iterator at("/proc/self/task", unknown), end; !unknown && at != end;
         at.increment(unknown))
        ++n;
    return n;
}

std::string limit_of_user() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NPROC, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return "ulimit -u";
    return "ulimit -u, which is " + std::to_string(limit.rlim_cur);
}

}  // namespace

int threads_at_once(int wanted) {
    using namespace std::chrono;
    const int before = threads_of_process();
    int running = 1;
    {
        std::atomic<bool> enough = false;
        std::vector<std::jthread> held;  // each is joined as it goes
        try {
            held.reserve(size_t(wanted));
            for (; running < wanted; ++running) held.emplace_back([&enough] { enough.wait(false); });
        } catch (const std::system_error&) {  // the limit is reached
        } catch (const std::bad_alloc&) {}
        enough = true;
        enough.notify_all();
    }
    // The system still counts a thread for a moment after join(), and the next one could hit the limit.
    for (const auto end = steady_clock::now() + 1s; threads_of_process() > before && steady_clock::now() < end;)
        std::this_thread::yield();
    return running;
}

void require_threads(int team) {
    const int wanted = 2 * team - 1, running = threads_at_once(wanted);
    if (running >= wanted) return;
    const Error e = no_more_threads(std::strerror(EAGAIN), (running + 1) / 2);
    throw Error("only " + std::to_string(running) + " threads can run at once, and computing with " +
                    std::to_string(team) + " needs up to " + std::to_string(wanted),
                e.cause, e.fix);
}

Error no_more_threads(const std::string& reason, int fewer) {
    const std::string n = std::to_string(fewer);
    return Error("the system allows no more threads",
                 reason + ": the limit on a user's processes (" + limit_of_user() +
                     "), the container's limit (pids.max), or memory for a thread's stack",
                 "use fewer: OMP_NUM_THREADS=" + n + " before the command, or --threads " + n +
                     " (in training --set train.threads=" + n + "); or raise the limit: ulimit -u 4096");
}

}  // namespace gradus
