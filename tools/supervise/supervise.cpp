#include "tools/supervise/supervise.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/base/error.h"
#include "engine/base/exit_status.h"
#include "engine/base/log.h"
#include "engine/mesh.h"
#include "tools/supervise/job.h"
#include "tools/supervise/words.h"

namespace gradus {

namespace {

constexpr int fruitless_starts_allowed = 3;

std::string text_of_status(int status) {
    const char* name = status > 128 ? ::strsignal(status - 128) : nullptr;
    return name ? fmt::format("status {}, {}", status, name) : fmt::format("status {}", status);
}

std::string text_of_step(int64_t step, const char* without) {
    return step < 0 ? without : fmt::format("step {}", step);
}

Error inside_a_job(const Supervision& s, int ranks) {
    return Error(
        "--launch and --auto-resume start the ranks themselves",
        fmt::format("this process is one of {} that a launcher has started already", ranks),
        fmt::format("remove that launcher: {} --launch \"mpirun -n {}\" --auto-resume", join_words(s.command), ranks));
}

Error no_progress(int status, int64_t newest) {
    return Error(
        fmt::format("the job was lost {} times in a row without a newer checkpoint", fruitless_starts_allowed),
        fmt::format("the last attempt ended with {}; newest checkpoint: {}", text_of_status(status),
                    text_of_step(newest, "none")),
        "fix what the ranks reported above, or check whether they ran out of memory: dmesg | tail; then run the "
        "same command again");
}

// mpirun has its own exit status when it is told to end immediately.
int status_of_stopped(const JobEnd& end) {
    const bool saved = end.status == 0, at_once = end.requests > 1 || end.status >= 128;
    return !saved && at_once ? status_stopped_at_once : end.status;
}

}  // namespace

bool is_lost(int status) {
    return status == status_of_lost_rank || (status >= 128 && status != status_stopped_at_once);
}

int supervise(const Supervision& s) {
    CHECK(!s.command.empty());
    if (const int ranks = launched_ranks(); ranks > 1) throw inside_a_job(s, ranks);
    std::vector<std::string> words = s.launcher;
    words.insert(words.end(), s.command.begin(), s.command.end());

    StopSignals signals;
    int64_t newest = s.auto_resume ? s.newest_checkpoint() : -1;
    int fruitless = 0;
    for (;;) {
        const JobEnd end = run_job(words, signals);
        if (end.requests > 0) return status_of_stopped(end);
        if (!s.auto_resume || !is_lost(end.status)) return end.status;

        const int64_t before = newest;
        newest = std::max(newest, s.newest_checkpoint());
        fruitless = newest > before ? 0 : fruitless + 1;
        if (fruitless == fruitless_starts_allowed) throw no_progress(end.status, newest);
        const double wait = std::ldexp(s.first_wait, std::max(fruitless - 1, 0));
        note(fmt::format("a rank was lost ({}); restarting in {}, from {}", text_of_status(end.status),
                         text_of_seconds(wait), text_of_step(newest, "the beginning")));
        if (signals.requested_within(wait)) return end.status;
    }
}

}  // namespace gradus
