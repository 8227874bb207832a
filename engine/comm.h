#pragma once
// A group of ranks that hold parts of the same tensors: the one interface to other ranks.
//
// With one rank every call returns at once and nothing else is linked, so a reader with one machine may skip any line
// that mentions `tp` or `dp`. Other implementations fill the table: engine/comm_mpi for host memory,
// engine/comm_staged.h on top of it for device memory, engine/comm_nccl between devices. Sums are computed in the order
// of the ranks,
//
//     x_0 + x_1 + … + x_(n-1), from left to right, bf16 in f32 with one rounding at the end,
//
// so that the result has the same bits on every rank and in every run. Only NCCL (engine/comm_nccl) adds in another
// order: an all-reduce still gives the same bits on every rank, but the rounding may differ with the number of ranks,
// the library's version and the links between them, and bf16 is rounded after every addition.
//
// Every rank of the group makes the same calls with the same sizes in the same order, from one thread. A call on
// tensors is queued on its stream: later work of the stream sees its result, and so does the host after synchronise().
// engine/mesh.h makes the groups.
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "kernels/tensor.h"

namespace gradus {

struct CommTable {
    void (*all_reduce_sum)(void* group, Tensor, Stream);
    void (*all_reduce_max)(void* group, Tensor, Stream);                         // NaN if any is NaN
    void (*reduce_scatter_sum)(void* group, Tensor part, Tensor whole, Stream);  // rank r gets part r of the sum
    void (*all_gather)(void* group, Tensor whole, Tensor part, Stream);          // part r comes from rank r
    void (*broadcast)(void* group, Tensor, int root, Stream);
    void (*send_receive)(void* group, Tensor sent, int to, Tensor received, int from, Stream);  // rank -1: none
    void (*barrier)(void* group);
    void (*gather)(void* group, const std::string& mine, std::vector<std::string>& all);
    void (*set_step)(void* group, int64_t step);
};

struct Comm {
    int rank = 0, size = 1;
    const CommTable* table = nullptr;
    void* group = nullptr;

    void sum(Tensor t, Stream s) const {
        if (size > 1) table->all_reduce_sum(group, t, s);
    }
    void max(Tensor t, Stream s) const {
        if (size > 1) table->all_reduce_max(group, t, s);
    }
    // `part` may be part `rank` of `whole` itself: whole = size parts, one after the other.
    void reduce_scatter(Tensor part, Tensor whole, Stream s) const {
        if (size == 1) return;
        check_parts(part, whole);
        table->reduce_scatter_sum(group, part, whole, s);
    }
    void all_gather(Tensor whole, Tensor part, Stream s) const {
        if (size == 1) return;
        check_parts(part, whole);
        table->all_gather(group, whole, part, s);
    }
    void broadcast(Tensor t, int root, Stream s) const {
        CHECK(root >= 0 && root < size, "broadcast from rank " + std::to_string(root) + " of " + std::to_string(size));
        if (size > 1) table->broadcast(group, t, root, s);
    }
    // Two ranks that send to each other use one call: in separate ones each would wait in send() for the other's
    // receive().
    void send_receive(Tensor sent, int to, Tensor received, int from, Stream s) const {
        for (int other : {to, from})
            CHECK(other >= -1 && other < size && other != rank, "rank " + std::to_string(rank) + " of " +
                                                                    std::to_string(size) + " exchanges with rank " +
                                                                    std::to_string(other));
        if (to >= 0 || from >= 0) table->send_receive(group, sent, to, received, from, s);
    }
    void send(Tensor t, int to, Stream s) const { send_receive(t, to, {}, -1, s); }
    void receive(Tensor t, int from, Stream s) const { send_receive({}, -1, t, from, s); }
    void barrier() const {
        if (size > 1) table->barrier(group);
    }

    // A small text from each rank (its host, a hash of settings, counts), in rank order.
    std::vector<std::string> gather(const std::string& mine) const {
        std::vector<std::string> all = {mine};
        if (size > 1) table->gather(group, mine, all);
        return all;
    }
    // A few numbers in host memory, in f64.
    void sum(std::span<double> numbers) const {
        if (size == 1) return;
        const std::string mine(reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes());
        const std::vector<std::string> all = gather(mine);
        for (size_t r = 0; r < all.size(); ++r) {
            CHECK(all[r].size() == mine.size(), "rank " + std::to_string(r) + " passes another count of numbers");
            for (size_t i = 0; i < numbers.size(); ++i) {
                double x;
                std::memcpy(&x, all[r].data() + i * sizeof x, sizeof x);
                numbers[i] = r == 0 ? x : numbers[i] + x;
            }
        }
    }
    // Logical or over the ranks: the same result on all of them.
    bool any(bool mine) const {
        double count = mine;
        sum(std::span(&count, 1));
        return count > 0;
    }
    // The step that errors about a lost rank report.
    void set_step(int64_t step) const {
        if (size > 1) table->set_step(group, step);
    }

private:
    void check_parts(const Tensor& part, const Tensor& whole) const {
        CHECK(part.dtype == whole.dtype && whole.size() == part.size() * size,
              std::to_string(size) + " parts of " + std::to_string(part.size()) + " elements do not make up " +
                  std::to_string(whole.size()));
    }
};

}  // namespace gradus
