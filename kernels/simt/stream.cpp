#include "kernels/simt/stream.h"

#include <cstring>

#include "kernels/simt/block.h"
#include "kernels/simt/device_memory.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/host_buffer.h"
#include "kernels/simt/memory.h"
#include "kernels/simt/queue.h"
#include "kernels/simt/sanitizer.h"

namespace gradus::emulator {

void synchronise_all() {
    Lock lock(device().mutex);
    run_until_all_empty(lock);
}

void enqueue_launch(Stream stream, std::unique_ptr<LaunchCall> launch) {
    const Lock lock(device().mutex);
    check_launch(*launch);
    submit(state_of(stream, "launch"), [call = std::shared_ptr<LaunchCall>(std::move(launch))](StreamState& s) {
        push(
            s,
            [&s, call] {
                run_launch(*call, s.fibers);
                return true;
            },
            true);
    });
}

}  // namespace gradus::emulator

namespace gradus::simt {

using namespace emulator;

void enqueue(Stream stream, std::function<bool()> task) {
    const Lock lock(device().mutex);
    submit(state_of(stream, "enqueue"), [task = std::move(task)](StreamState& s) { push(s, task, false); });
}

void zero(void* memory, size_t bytes, Stream stream) {
    const Lock lock(device().mutex);
    submit(state_of(stream, "zero"), [=](StreamState& s) {
        push(
            s,
            [=] {
                record_write(memory, bytes);
                const TsanIgnore ignore;
                std::memset(memory, 0, bytes);
                return true;
            },
            true);
    });
}

namespace {

// The side of a copy that is in host memory, and the function that queued the copy; none of it if both are on the device.
struct HostSide {
    HostBuffer::Role role;
    const void* memory = nullptr;
    const void* caller = nullptr;
};

void queue_copy(const char* op, void* to, const void* from, size_t bytes, Stream stream, const HostSide& side = {}) {
    submit(state_of(stream, op), [=](StreamState& s) {
        const auto host =
            side.caller ? std::make_shared<HostBuffer>(side.role, side.memory, bytes, side.caller) : nullptr;
        push(
            s,
            [=] {
                if (host) host->begin();
                record_read(from, bytes);
                record_write(to, bytes);
                if (host) host->check();
                const TsanIgnore ignore;
                std::memcpy(to, from, bytes);
                return true;
            },
            true);
    });
}

}  // namespace

void copy_to_device(void* device_memory, const void* host, size_t bytes, Stream stream) {
    const Lock lock(device().mutex);
    queue_copy("copy_to_device", device_memory, host, bytes, stream,
               {HostBuffer::Role::source, host, __builtin_return_address(0)});
}

void copy_to_host(void* host, const void* device_memory, size_t bytes, Stream stream) {
    const Lock lock(device().mutex);
    queue_copy("copy_to_host", host, device_memory, bytes, stream,
               {HostBuffer::Role::destination, host, __builtin_return_address(0)});
}

void copy(void* to, const void* from, size_t bytes, Stream stream) {
    const Lock lock(device().mutex);
    queue_copy("copy", to, from, bytes, stream);
}

void synchronise(Stream stream) {
    Lock lock(device().mutex);
    StreamState& s = state_of(stream, "synchronise");
    if (s.capture) fail_capture(s, "synchronise of a stream that is being captured");
    run_until_empty(lock, s);
}

void release(void* memory, size_t bytes) {
    Lock lock(device().mutex);
    forbid_in_capture("release of device memory");
    run_until_all_empty(lock);
    free_device_memory(memory, bytes);
}

Stream compute_stream() { return {}; }

Stream make_stream() {
    const Lock lock(device().mutex);
    return {add_stream()};
}

void release_stream(Stream stream) {
    Lock lock(device().mutex);
    StreamState& s = state_of(stream, "release_stream");
    if (!stream.handle) throw Fault("release_stream: the default stream cannot be released");
    if (s.capture) fail_capture(s, "release of a stream that is being captured");
    run_until_empty(lock, s);
    if (s.tsan_fiber) __tsan_destroy_fiber(s.tsan_fiber);
    std::erase_if(device().streams, [&](const auto& other) { return other.get() == &s; });
}

}  // namespace gradus::simt
