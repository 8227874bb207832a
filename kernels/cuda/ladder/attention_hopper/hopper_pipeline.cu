// Attention forward on sm_90a with a producer and two consumers, and nothing else: each consumer waits for every product before it
// goes on. While one computes exponentials the other may multiply, but only by chance.
#include "kernels/cuda/attention/hopper_pipeline.h"
#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/ladder/attention_hopper/rungs.h"

namespace gradus::DEVICE {

namespace {

template <class Shape>
__global__ void __launch_bounds__(block_threads, 1)
    attention_forward_hopper_kernel(const __grid_constant__ HopperMaps maps, float* lse, const int32_t* lo,
                                    const int32_t* hi, HeadSizes of, BlockOrder order, float scale) {
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
    Consumer<Shape> mine(*shared, block, lo, hi, of, scale);
    mbarrier_wait(&barriers.q, 0);
    for (int i = 0; i < block.tiles; ++i) {
        barriers.k.wait_full(i);
        mine.start_scores(i);
        wgmma_wait<0>(mine.s);
        barriers.k.release(i);
        mine.softmax(i);
        mine.rescale_values();
        mine.round_scores();
        barriers.v.wait_full(i);
        mine.start_values(i);
        wgmma_wait<0>(mine.o);
        barriers.v.release(i);
    }
    mine.store(maps.y, lse, block, int(of.Tq));
}

}  // namespace

void attention_hopper_pipeline(const AttentionForward& a, Stream s) {
    if (!fit_hopper_pipeline(a) || !std::holds_alternative<PlainScore>(a.score)) return attention_forward(a, s);
    launch_hopper(a, s, [](auto shape) { return attention_forward_hopper_kernel<decltype(shape)>; });
}

}  // namespace gradus::DEVICE
