// Attention forward on sm_90a, bf16: TMA, wgmma and warp specialisation. The formulas are in kernels/attention.h;
// docs/kernels/attention_hopper.md derives the plan.
//
// Plan. A block has a tile of 128 queries of one head, and three warpgroups. The producer, one warp of the first, copies tiles of
// 128 keys and values by tensor map into a ring of two stages. Each consumer has 64 queries, and computes
//   S = Q·Kᵀ                         both in shared memory
//   P = exp2(S·factor − m·factor)    m: the largest of the row so far; factor = scale·log2(e): one FMA and one exp2 per score
//   O = O·exp2(old m·factor − m·factor) + P·V      P in registers
// The producer needs few registers; setmaxnreg gives the rest to the consumers, so that S, P and O stay in registers.
//
// Overlap. A tile's exponentials take about as long as one of its products. Two things hide them: a consumer starts S of the next
// tile before P·V of this one, so its exponentials run beside P·V; and the consumers start their products in turns, so that one
// computes exponentials while the products of the other run.
//
// Mask. Only tiles from the first to the last key that the block's queries see are visited, and positions are compared only in a
// tile that a consumer's queries see in part. Values after the last key are cleared: 0·NaN would be NaN.
#include "kernels/choices.h"
#include "kernels/cuda/attention/attention_ops.h"
#include "kernels/cuda/attention/hopper_pipeline.h"
#include "kernels/cuda/memory.h"

namespace gradus::DEVICE {

namespace {

// Lets the consumers start their products in turns. Consumer 0 begins.
struct Turns {
    int consumer;

    __device__ void wait() const { named_barrier_sync(turn_barrier + consumer, consumers * warpgroup_threads); }
    __device__ void pass() const { named_barrier_arrive(turn_barrier + 1 - consumer, consumers * warpgroup_threads); }
};

template <class Shape, class Score>
__global__ void __launch_bounds__(block_threads, 1)
    attention_forward_hopper_kernel(const __grid_constant__ HopperMaps maps, float* lse, const int32_t* lo,
                                    const int32_t* hi, HeadSizes of, BlockOrder order, float scale, Score score) {
    DYNAMIC_SHARED(HopperStorage<Shape>, shared);
    SHARED(HopperBarriers, barriers, );
    const auto place = order.place();
    if (place.head >= order.heads) return;
    const HopperBlock block = hopper_block<Shape::keys>(order, place, of, lo, hi);
    barriers.init();

    if (threadIdx.x < warpgroup_threads) {
        registers_lower<producer_registers>();
        if (threadIdx.x < warp) produce(*shared, barriers, maps, block, int(of.Tk));
        return;
    }
    registers_raise<consumer_registers>();
    Consumer<Shape, Score> mine(*shared, block, lo, hi, of, scale, score);
    const Turns turns = {mine.number};
    mbarrier_wait(&barriers.q, 0);
    if (block.tiles > 0) {
        if (turns.consumer == 1) turns.pass();
        barriers.k.wait_full(0);
        turns.wait();
        mine.start_scores(0);
        turns.pass();
        wgmma_wait<0>(mine.s);
        barriers.k.release(0);
        mine.softmax(0);
        mine.round_scores();
    }
    for (int i = 1; i < block.tiles; ++i) {
        barriers.k.wait_full(i);
        turns.wait();
        mine.start_scores(i);
        barriers.v.wait_full(i - 1);
        mine.start_values(i - 1);
        if (turns.consumer == 0 || i + 1 < block.tiles) turns.pass();
        wgmma_wait<1>(mine.s);
        barriers.k.release(i);
        mine.softmax(i);
        wgmma_wait<0>(mine.o);
        barriers.v.release(i - 1);
        mine.rescale_values();
        mine.round_scores();
    }
    if (block.tiles > 0) {
        barriers.v.wait_full(block.tiles - 1);
        mine.start_values(block.tiles - 1);
        wgmma_wait<0>(mine.o);
    }
    mine.store(maps.y, lse, block, int(of.Tq));
}

}  // namespace

bool fit_hopper(const AttentionForward& a) {
    return kernel_choices().hopper && capability() == 90 && fit_hopper_pipeline(a);
}

void attention_forward_hopper(const AttentionForward& a, Stream s) {
    by_score(a.score, [&](auto score) {
        launch_hopper(
            a, s, [](auto shape) { return attention_forward_hopper_kernel<decltype(shape), decltype(score)>; }, score);
    });
}

}  // namespace gradus::DEVICE
