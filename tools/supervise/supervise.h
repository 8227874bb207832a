#pragma once
// Starts the ranks of a run, and restarts them after one is lost: gradus pretrain … --launch "mpirun -n 4"
// --auto-resume.
//
// How a job ended, and what follows (128 + n: killed by signal n, as mpirun and shells report it):
//
//   status                            the job                                   auto_resume
//   0                                 succeeded                                 returns it
//   1, 2, 70                          had an Error, a wrong option, a bug       returns it
//   130                               was stopped by the user                   returns it
//   75, 128 and above except 130      lost a rank                               restarts
//
// A restart resumes from the newest checkpoint; one line on standard error says so. It waits first_wait
// before a restart, or twice that if two starts in a row made no newer checkpoint; after three of those it gives up.
// Processes that the job left running are killed first.
//
// Signals: SIGINT, SIGTERM, SIGHUP and SIGUSR1 ask the ranks to save and end. The ranks get SIGUSR1 through the
// launcher, which has to forward it: mpirun kills the ranks soon after SIGTERM or SIGINT but forwards SIGUSR1, as srun
// does. The next SIGINT, SIGTERM or SIGUSR1 ends everything: SIGTERM to the launcher, and SIGKILL 10 s later or at a
// third signal. A repeated SIGHUP has no effect, and an ignored one, as under nohup, stays ignored.
//
// Source: mpirun(1) of Open MPI 4.1, "Signal Propagation" and "Exit status"; sysexits.h (75: EX_TEMPFAIL).
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace gradus {

struct Supervision {
    std::vector<std::string> launcher;  // {"mpirun", "-n", "4"} (tools/supervise/words.h); may be empty: one rank
    std::vector<std::string> command;   // this program's path and its arguments without --launch and --auto-resume
    bool auto_resume = false;
    std::function<int64_t()> newest_checkpoint;  // its step; -1: there is none
    double first_wait = 1;                       // seconds before the first restart
};

// Returns the exit status. A job that was asked to stop is not restarted: the result is its own status, or 130 if it
// was killed before it could save. Error if the launcher cannot be started, if three starts in a row made no newer
// checkpoint, or inside a job that a launcher has already started. All children of this process count as the job's.
int supervise(const Supervision&);

// Whether a job with this status lost a rank, so that the same command may succeed now.
bool is_lost(int status);

}  // namespace gradus
