#pragma once
// The result of a correct kernel does not depend on the order that the emulator chooses.
#include <vector>

#include "kernels/cuda/primitives/device.h"
#include "kernels/simt/memory.h"
#include "kernels/simt/settings.h"

namespace gradus::simt {

// Calls run() with several seeds, early and late copies, and one and several resident blocks.
template <class Run>
void in_every_order(Run run) {
    const Settings before = settings();
    for (const uint64_t seed : {0, 1, 2, 3})
        for (const Copies copies : {Copies::early, Copies::late})
            for (const int resident : {1, 3}) {
                use({seed, copies, resident});
                run();
            }
    use(before);
}

// Launches kernel(y, arguments…) and returns y: `count` elements, zero before the launch.
template <class Element, class Kernel, class... Arguments>
std::vector<Element> result_of(Kernel* kernel, dim3 grid, dim3 block, size_t count, const Arguments&... arguments) {
    std::vector<Element> host(count);
    const size_t bytes = count * sizeof(Element);
    auto* y = static_cast<Element*>(allocate(bytes));
    zero(y, bytes, {});
    launch(kernel, grid, block, 0, {}, y, arguments...);
    copy_to_host(host.data(), y, bytes, {});
    synchronise({});
    release(y, bytes);
    return host;
}

}  // namespace gradus::simt
