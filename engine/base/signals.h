#pragma once
// Ctrl-C and SIGTERM as a request: long work asks stop_requested() between its steps, saves what it has and ends with
// status 0. A second signal ends the process at once with status 130.
namespace gradus {

void install_stop_signals();
bool stop_requested();

}  // namespace gradus
