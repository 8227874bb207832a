#pragma once
// What the ranks of a test do. A scenario is run on every rank of the program comm_ranks; it throws where something is
// not as it should be, which ends all of them with an exit status that is not zero.
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

// Memory for a tensor, with 64 bytes behind it that nobody may touch.
class Memory {
public:
    Memory(DType dtype, int64_t count);
    Tensor tensor() { return {bytes_.data(), dtype_, {count_}}; }
    std::string bits() const { return {bytes_.begin(), bytes_.begin() + int64_t(used_)}; }
    void poison();            // all of it to a pattern that is a NaN in every floating type
    bool is_overrun() const;  // something was written behind the tensor
private:
    DType dtype_;
    int64_t count_;
    size_t used_;
    std::vector<char> bytes_;
};

// What rank r has at element i of tensor `key`: of both signs and of many magnitudes, so that the order of a sum shows.
double value_of(uint64_t key, int rank, int64_t i);
void store(Tensor, int64_t i, double value);  // to the nearest that the dtype has
void fill(Tensor, uint64_t key, int rank);

// Element i, added (or compared) over `ranks` in this order, in the precision that engine/comm.h promises.
void store_sum(Tensor, int64_t i, uint64_t key, const std::vector<int>& ranks, int64_t at);
void store_max(Tensor, int64_t i, uint64_t key, const std::vector<int>& ranks, int64_t at);

void require(bool condition, const std::string& what);

}  // namespace gradus
