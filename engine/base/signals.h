#pragma once
// Ctrl-C, SIGTERM, SIGHUP (the terminal went away) and SIGUSR1 (which mpirun passes on) as a request: long work asks stop_requested() between its steps,
// saves what it has and ends with status 0. A second signal ends the process at once with status 130.
namespace gradus {

// A SIGHUP that is ignored, as under nohup, stays ignored. From here on SIGPIPE is ignored too: when the reader of a pipe
// goes, writing to it is what fails, and not the whole process.
void install_stop_signals();
bool stop_requested();
double seconds_since_stop_request();  // of the first one; 0 before it

}  // namespace gradus
