#pragma once
// Exit statuses that processes of a job use to inform each other; the others are in tools/cli.h.
//
// Source: sysexits.h (75: EX_TEMPFAIL).

namespace gradus {

// Another rank was lost; running the same command again may work.
inline constexpr int status_of_lost_rank = 75;
// A second signal ended the process at once. A shell reports the same status for a program ended by Ctrl-C.
inline constexpr int status_stopped_at_once = 130;

}  // namespace gradus
