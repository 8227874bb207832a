#pragma once
// The two phases of every collective: the handshake, and the transfer of data in pieces.
#include <functional>

#include "engine/comm_mpi/world.h"

namespace gradus::mpi {

// A call of a group, from its handshake to its end; heartbeats report it.
class ActiveCall {
public:
    ActiveCall(Group&, Call, DType, int64_t count, int root = -1);
    ~ActiveCall();
    ActiveCall(const ActiveCall&) = delete;
    ActiveCall& operator=(const ActiveCall&) = delete;

    // Sends the header and `bytes` (at most max_inline_bytes) of `inlined` to all other ranks, and waits for theirs.
    // Aborts the job if a rank is in another call.
    void handshake(const void* inlined = nullptr, size_t bytes = 0);
    // The same for a pair: to one rank, from one rank (indices of the group, -1: nobody); the counts may differ.
    void handshake(int to, const Header& sent, const void* inlined, size_t bytes, int from, const Header& expected);

    const Header& header() const { return header_; }
    // After the handshake, by index of the group:
    const Header& header_of(int index) const;
    const char* inlined_of(int index) const;

private:
    void exchange(const void* message, size_t bytes, const std::function<bool(int)>& sends,
                  const std::function<const Header*(int)>& expects);
    void compare(int index, const Header& expected) const;

    Group& group_;
    Header header_;
};

// Runs all flows concurrently. When piece i of every ring has arrived, consume(i) is called, in order; then its slot is
// reused.
void transfer(const ActiveCall&, Group&, std::span<Flow>, size_t piece_bytes,
              const std::function<void(int64_t)>& consume = {});

}  // namespace gradus::mpi
