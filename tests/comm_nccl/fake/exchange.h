#pragma once
// A call of the fake: a message to each other rank, one from each, and then the result. It never blocks: progress()
// does what is possible now.
#include <mpi.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace gradus::fake {

// Describes a call: equal on all ranks in the same call.
struct Head {
    int64_t call = 0, type = 0, count = 0, root = -1, number = 0;
    bool operator==(const Head&) const = default;
};

class Exchange {
public:
    enum class State { under_way, done, misfit };

    // `others` are ranks of MPI_COMM_WORLD.
    Exchange(int tag, const Head& head, std::vector<int> others) : tag_(tag), head_(head), others_(std::move(others)) {}

    // Before the first progress(): the message to the i-th of them, and whether it answers.
    std::function<std::vector<char>(size_t i)> message;
    std::function<bool(size_t i)> sends = [](size_t) { return true; }, answers = [](size_t) { return true; };

    // The caller has locked MPI.
    State progress();

    // The message of the i-th, without its head.
    const char* data(size_t i) const { return received_[i].data() + sizeof(Head); }
    size_t bytes(size_t i) const { return received_[i].empty() ? 0 : received_[i].size() - sizeof(Head); }
    const std::vector<int>& others() const { return others_; }

private:
    void begin();

    int tag_;
    Head head_;
    std::vector<int> others_;
    bool begun_ = false, misfit_ = false;
    std::vector<std::vector<char>> sent_, received_;
    std::vector<MPI_Request> sending_, receiving_;
    std::vector<bool> matched_, there_;
};

}  // namespace gradus::fake
