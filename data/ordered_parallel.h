#pragma once
// Work in parallel, results in order.
//
//   produce(item) → bool   makes the next item, false at the end; called by one thread at a time
//   transform(item)        called by any number of threads at once
//   consume(item)          called by one thread at a time, in the order in which the items were produced
//
// At most one item per thread is in flight, so memory is bounded however large the input. The first failure in the
// order of the items is thrown to the caller after all threads have ended, so it does not depend on the number of
// threads. If the system allows fewer threads than requested, those do the work.
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>

#include "tokenizer/threads.h"

namespace gradus {

template <class Item, class Produce, class Transform, class Consume>
void ordered_parallel(int threads, Produce produce, Transform transform, Consume consume) {
    std::mutex producing, consuming;
    std::condition_variable turn_passed;
    uint64_t next = 0, turn = 0;
    bool ended = false;          // under `producing`
    std::exception_ptr failure;  // under `consuming`
    bool failed = false;

    auto work = [&](int) {
        while (true) {
            Item item{};
            bool made = false;
            std::exception_ptr problem;
            uint64_t mine = 0;
            {
                const std::lock_guard<std::mutex> lock(producing);
                if (ended) return;
                mine = next++;
                try {
                    made = produce(item);
                } catch (...) { problem = std::current_exception(); }
                ended = !made;
            }
            if (made) {
                try {
                    transform(item);
                } catch (...) { problem = std::current_exception(); }
            }
            std::unique_lock<std::mutex> lock(consuming);
            turn_passed.wait(lock, [&] { return turn == mine || failed; });
            if (failed) return;
            if (made && !problem) {
                try {
                    consume(item);
                } catch (...) { problem = std::current_exception(); }
            }
            ++turn;
            if (problem) failure = problem, failed = true;
            turn_passed.notify_all();
            if (failed) return;
        }
    };
    run_in_threads(threads, work);
    if (failure) std::rethrow_exception(failure);
}

}  // namespace gradus
