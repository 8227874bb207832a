#pragma once
// launch(kernel, grid, block, shared_bytes, stream, arguments…): the same call as in the CUDA build.
#include <memory>
#include <tuple>
#include <utility>

#include "kernels/simt/machine.h"
#include "kernels/simt/stream.h"

namespace gradus::emulator {

template <class... Parameters>
struct KernelCall final : LaunchCall {
    void (*function)(Parameters...);
    std::tuple<Parameters...> arguments;

    template <class... Arguments>
    KernelCall(void (*kernel_function)(Parameters...), Arguments&&... given)
        : function(kernel_function), arguments(Parameters(std::forward<Arguments>(given))...) {
        kernel = reinterpret_cast<const void*>(kernel_function);
    }
    void call() const override { std::apply(function, arguments); }
};

// The grid, and the line on which launch() was called.
struct Grid {
    dim3 size;
    Location location;
    Grid(dim3 d, Location at = Location::here()) : size(d), location(at) {}
    template <class Integer>
    requires std::is_integral_v<Integer> Grid(Integer blocks, Location at = Location::here())
        : size(unsigned(blocks)), location(at) {}
};

}  // namespace gradus::emulator

namespace gradus::simt {

// Arguments are converted to the kernel's parameters and copied now; the kernel runs in stream order. Throws the Fault of an
// invalid launch.
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), emulator::Grid grid, dim3 block, size_t shared_bytes, Stream stream,
            Arguments&&... arguments) {
    static_assert(sizeof...(Parameters) == sizeof...(Arguments), "as many arguments as the kernel has parameters");
    auto call = std::make_unique<emulator::KernelCall<Parameters...>>(kernel, std::forward<Arguments>(arguments)...);
    call->grid = grid.size;
    call->block = block;
    call->shared_bytes = shared_bytes;
    call->location = grid.location;
    emulator::enqueue_launch(stream, std::move(call));
}

}  // namespace gradus::simt
