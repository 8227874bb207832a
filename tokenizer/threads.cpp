// Threads that are always joined.
#include "tokenizer/threads.h"

#include <exception>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#include "engine/base/error.h"

namespace gradus {

void run_in_threads(int threads, const std::function<void(int thread)>& work) {
    CHECK(threads >= 1);
    std::vector<std::exception_ptr> failures{size_t(threads)};
    const auto guarded = [&](int thread) {
        try {
            work(thread);
        } catch (...) { failures[size_t(thread)] = std::current_exception(); }
    };
    {
        std::vector<std::jthread> helpers;  // joined by their destructors
        helpers.reserve(size_t(threads) - 1);
        try {
            for (int thread = 1; thread < threads; ++thread) helpers.emplace_back(guarded, thread);
        } catch (const std::system_error&) {  // a limit on threads: the running ones do the work
        } catch (const std::bad_alloc&) {}
        guarded(0);
    }
    for (const std::exception_ptr& failure : failures)
        if (failure) std::rethrow_exception(failure);
}

}  // namespace gradus
