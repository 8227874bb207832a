#pragma once
// Starts the ranks of a run, and starts them again after one was lost: gradus pretrain … --launch "mpirun -n 4" --auto-resume.
//
// How a job ended, and what follows (128 + n: ended by signal n, as mpirun and shells say it):
//
//   status                            it                                        auto_resume
//   0                                 is done                                   returns it
//   1, 2, 70                          met an Error, a wrong option, a bug       returns it
//   130                               was ended by hand                         returns it
//   75, 128 and above but 130         lost a rank                               starts again
//
// The next start goes on from the newest checkpoint; one line on standard error says so. Before a restart it
// waits 1 s, or 2 s where two starts in a row made no newer checkpoint; after three of those it gives up. Whatever the job
// left running is ended first.
//
// Signals: SIGINT, SIGTERM, SIGHUP and SIGUSR1 ask the ranks to save and end. They are sent SIGUSR1, through the launcher,
// which has to pass it on: mpirun would kill the ranks soon after SIGTERM or SIGINT, and hands SIGUSR1 through, as srun
// does. The next SIGINT, SIGTERM or SIGUSR1 ends all at once: SIGTERM to the launcher, SIGKILL 10 s later or at a third. A
// repeated hang-up says nothing new, and one that is ignored, as under nohup, stays ignored.
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

// The exit status to end with. A job that was asked to stop is not started again: its own status, or 130 where it was ended
// before it could save. Error when the launcher cannot be started, when three starts in a row made no newer checkpoint, and
// inside a job that a launcher has started already. All children of this process count as the job's.
int supervise(const Supervision&);

// Whether a job with this status lost a rank, so that the same command may go well now.
bool is_lost(int status);

}  // namespace gradus
