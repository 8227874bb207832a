#pragma once
// Which writes of threads the async proxy (wgmma, bulk stores) sees, for ThreadSanitizer: those ordered before a fence_async() of any
// thread. The proxy is a thread of its own to it, which acquires the fences and nothing else; so it reports a write that no fence
// follows, by whatever thread, as a race of that write with the proxy's read.
//
// Bytes that a bulk load wrote, and no thread since, need no fence.
#include <cstddef>

namespace gradus::emulator {

class SharedMemory;

class AsyncProxy {
public:
    void fence();                                                            // by the running thread
    void read(const SharedMemory& shared, const char* first, size_t bytes);  // now
    void read_is_over();  // what the running thread writes from now on is ordered after the proxy's reads

private:
    char fences_ = 0, reads_ = 0;  // ThreadSanitizer tokens
};

}  // namespace gradus::emulator
