#pragma once
// The scenarios of tests. A scenario runs on every rank of the program comm_ranks; it throws on failure, which ends all
// of them with a non-zero exit status.
#include <cstdint>
#include <string>
#include <vector>

#include "engine/comm_mpi/mpi_world.h"
#include "kernels/scalar.h"

namespace gradus {

struct Scenario {
    const char* name;
    void (*run)(MpiWorld&);
    MpiLimits limits = {};
};
extern const std::vector<Scenario> collective_scenarios, fault_scenarios, bench_scenarios;

// Memory for a tensor, with 64 guard bytes after it.
class Memory {
public:
    Memory(DType dtype, int64_t count);
    Tensor tensor() { return {bytes_.data(), dtype_, {count_}}; }
    std::string bits() const { return {bytes_.begin(), bytes_.begin() + int64_t(used_)}; }
    void poison();            // fills it with a pattern that is NaN in every floating type
    bool is_overrun() const;  // the guard bytes were written
private:
    DType dtype_;
    int64_t count_;
    size_t used_;
    std::vector<char> bytes_;
};

// Element i of tensor `key` on rank r: of both signs and many magnitudes, so that the order of a sum matters.
double value_of(uint64_t key, int rank, int64_t i);
void store(Tensor, int64_t i, double value);  // rounded to the dtype
void fill(Tensor, uint64_t key, int rank);

// Element i, added (or compared) over `ranks` in this order, in the precision of engine/comm.h.
void store_sum(Tensor, int64_t i, uint64_t key, const std::vector<int>& ranks, int64_t at);
void store_max(Tensor, int64_t i, uint64_t key, const std::vector<int>& ranks, int64_t at);

void require(bool condition, const std::string& what);

}  // namespace gradus
