#include "tools/bench/counted.h"

#include "kernels/simt/settings.h"

namespace gradus {

CountedOp count_op(const std::function<void()>& run, const Card& card, const Registers& registers, int blocks,
                   int capability) {
    const simt::Settings before = simt::settings();
    simt::Settings as_card = before;
    as_card.capability =
        (capability ? capability : card.capability) == 90 ? 90 : 80;  // others run the kernels of sm_80
    simt::use(as_card);
    simt::start_counting({.blocks = blocks, .run_matmuls = false});
    run();
    CountedOp op;
    op.launches = simt::stop_counting();
    simt::use(before);
    double longest = 0;
    for (const simt::LaunchCounts& launch : op.launches) {
        const TimeEstimate e = estimated_time(work_of(launch, card, registers), card);
        op.seconds += e.seconds;
        if (e.seconds > longest) longest = e.seconds, op.limit = e.limit;
        op.estimates.push_back(e);
        op.sectors += launch.transactions(simt::Space::global);
        op.ideal += launch.transactions(simt::Space::global, true);
        op.wavefronts += launch.transactions(simt::Space::shared);
        op.conflicts += launch.bank_conflicts();
        op.footprint += launch.footprint_read + launch.footprint_written;
    }
    return op;
}

}  // namespace gradus
