#pragma once
// Ctrl-C, SIGTERM, SIGHUP (the terminal was closed) and SIGUSR1 (which mpirun forwards) as a request to stop: long work
// checks stop_requested() between its steps, saves what it has and ends with status 0. A second signal ends the process
// at once with status 130.
namespace gradus {

// A SIGHUP that is ignored, as under nohup, stays ignored. SIGPIPE is ignored from here on: when the reader of a pipe
// is gone, the write fails instead of the process.
void install_stop_signals();
bool stop_requested();
double seconds_since_stop_request();  // of the first one; 0 before it

}  // namespace gradus
