#include "tests/comm_nccl/device/passing_time.h"

#include <chrono>

#include "kernels/simt/memory.h"

namespace gradus {

// Querying an event that is not reached executes some work of a stream.
void PassingTime::run() {
    const Stream clock = simt::make_stream();
    const Event tick = simt::make_event();
    while (!over_) {
        simt::record(tick, clock);
        while (!simt::reached(tick)) std::this_thread::yield();
        std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
    simt::release_event(tick);
    simt::release_stream(clock);
}

}  // namespace gradus
