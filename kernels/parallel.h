#pragma once
// Parallel loops over the CPU's threads.
//
//   parallel(n, grain, [&](int64_t first, int64_t last) { … });
//
// splits [0, n) into one range per thread, in multiples of `grain` elements, and runs them in parallel; one grain or less runs on
// the calling thread, because starting threads costs microseconds. The result of an element must not depend on the ranges.
// So sums over elements use chunks of a fixed size, and the sums of the chunks are added in order: the result is the same for
// any number of threads.
#include <omp.h>

#include <algorithm>
#include <cstdint>
#include <exception>

namespace gradus::cpu {

// An exception must not leave an OpenMP region: run() keeps the first one, and rethrow() throws it after the region.
class FirstException {
public:
    template <class Body>
    void run(Body&& body) {
        try {
            body();
        } catch (...) {
#pragma omp critical(gradus_first_exception)
            if (!first_) first_ = std::current_exception();
        }
    }
    void rethrow() const {
        if (first_) std::rethrow_exception(first_);
    }

private:
    std::exception_ptr first_;
};

// Threads that an op may use: OMP_NUM_THREADS or omp_set_num_threads(), by default one per core.
inline int threads() { return omp_in_parallel() ? 1 : omp_get_max_threads(); }

template <class Body>
void parallel(int64_t n, int64_t grain, Body&& range) {
    if (n <= 0) return;
    const int64_t grains = (n + grain - 1) / grain;
    const int64_t team = std::min<int64_t>(threads(), grains);
    if (team <= 1) return range(int64_t(0), n);
    FirstException exception;
#pragma omp parallel for num_threads(int(team)) schedule(static, 1)
    for (int64_t i = 0; i < team; ++i) {
        const int64_t first = grains * i / team * grain, last = std::min(n, grains * (i + 1) / team * grain);
        if (first < last) exception.run([&] { range(first, last); });
    }
    exception.rethrow();
}

// A parallel loop over items of unequal cost: a free thread takes the next one. Items must be independent. item(i, thread) may
// use scratch memory number `thread`, which is below threads(). There is at most one thread per `grain` items.
template <class Body>
void parallel_items(int64_t n, int64_t grain, Body&& item) {
    const int64_t team = std::min<int64_t>(threads(), (n + grain - 1) / grain);
    if (team <= 1) {
        for (int64_t i = 0; i < n; ++i) item(i, 0);
        return;
    }
    FirstException exception;
#pragma omp parallel for num_threads(int(team)) schedule(dynamic, 1)
    for (int64_t i = 0; i < n; ++i) exception.run([&] { item(i, omp_get_thread_num()); });
    exception.rethrow();
}

// The grain of items of this many multiply-adds each.
inline int64_t grain_of(double work) { return std::max<int64_t>(1, int64_t(double(1 << 17) / std::max(work, 1.0))); }

}  // namespace gradus::cpu
