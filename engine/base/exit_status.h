#pragma once
// Exit statuses that one process of a job tells another one by; the others are in tools/cli.h.
//
// Source: sysexits.h (75: EX_TEMPFAIL).

namespace gradus {

// Another rank was lost: the same command may well work the next time.
inline constexpr int status_of_lost_rank = 75;
// A second signal ended it at once; also what a shell reports for a program ended by Ctrl-C.
inline constexpr int status_stopped_at_once = 130;

}  // namespace gradus
