#pragma once
// The two motions that every collective is made of: shaking hands, and moving bytes in pieces.
#include <functional>

#include "engine/comm_mpi/world.h"

namespace gradus::mpi {

// One call of one group, from its handshake to its end.
class Ongoing {
public:
    Ongoing(Group&, Call, DType, int64_t count, int root = -1);
    ~Ongoing();
    Ongoing(const Ongoing&) = delete;
    Ongoing& operator=(const Ongoing&) = delete;

    // Sends the header and `bytes` (at most most_inlined) of `inlined` to everyone, and waits for theirs. Ends the program
    // where another rank is in another call.
    void shake_hands(const void* inlined = nullptr, size_t bytes = 0);
    // The same for a pair: to one rank, from one rank (indices of the group, -1: nobody); the counts may differ.
    void shake_hands(int to, const Header& sent, const void* inlined, size_t bytes, int from, const Header& expected);

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

// Moves all flows at once. When piece i of every ring is there, consume(i) is called, in order; then its place is free.
void move(const Ongoing&, Group&, std::span<Flow>, size_t piece_bytes,
          const std::function<void(int64_t)>& consume = {});

}  // namespace gradus::mpi
