// Every op of the GPU's table, counted at the shapes of gradus bench ops.
#include <catch2/catch.hpp>

#include "tools/bench/counted.h"
#include "tools/bench/ops.h"

using namespace gradus;

namespace {

// What an op may need beyond the ideal, and why.
struct Exception {
    std::string op;
    double sectors, conflicts;  // over the ideal; of all wavefronts
};
const Exception exceptions[] = {
    {"embedding", 1.3, 0},               // rows of a table in any order, and their indices
    {"rope", 1.15, 0},                   // the table of angles
    {"qk_norm_rope", 1.15, 0.35},        // the same, and d_gain of each head
    {"attention_backward", 1.05, 0.01},  // lse and delta of a tile of queries, two floats each
};

}  // namespace

TEST_CASE("every op accesses whole sectors of global memory, and shared memory almost without bank conflicts") {
    const Card& card = card_of("h200");
    int count = 0;
    each_op_benchmark({.dtype = "bf16", .count = true, .model = "gpt2"}, counted_ops(), [&](const OpBenchmark& b) {
        const CountedOp op = count_op(b.run, card, {}, 2);
        Exception limit = {"", 1.05, 0};
        for (const Exception& e : exceptions)
            if (b.op.find(e.op) == 0) limit = e;
        INFO(b.op << " " << b.shape << ", limited by " << op.limit);
        ++count;
        REQUIRE(op.sectors <= limit.sectors * op.ideal + 64);
        REQUIRE(op.conflicts <= limit.conflicts * op.wavefronts);
        REQUIRE(op.seconds > 0);
        REQUIRE(op.launches.size() >= 1);
    });
    REQUIRE(count > 40);
}
