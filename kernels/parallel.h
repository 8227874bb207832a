#pragma once
// Threads on the CPU: how many there are, and the one idiom for using them.
//
//   parallel(n, grain, [&](int64_t first, int64_t last) { … });
//
// cuts [0, n) into one stretch for each thread, in multiples of `grain` elements, and runs them at once; work of one
// grain or less stays on the calling thread, since starting the others costs some microseconds. What an element gets
// must not depend on where the cuts are. A sum over elements is therefore taken in chunks of a fixed size, whichever thread
// computes them, and the chunks' results are added in order: one result for any number of threads.
#include <omp.h>

#include <algorithm>
#include <cstdint>
#include <exception>

namespace gradus::cpu {

// An exception may not leave a thread that OpenMP started: the first one is kept, and thrown again by the caller's thread.
class Carried {
public:
    template <class Do>
    void run(Do&& work) {
        try {
            work();
        } catch (...) {
#pragma omp critical(gradus_carried)
            if (!first_) first_ = std::current_exception();
        }
    }
    void release() const {
        if (first_) std::rethrow_exception(first_);
    }

private:
    std::exception_ptr first_;
};

// Threads that an op may use: OMP_NUM_THREADS or omp_set_num_threads(), as a rule one for each core.
inline int threads() { return omp_in_parallel() ? 1 : omp_get_max_threads(); }

template <class Do>
void parallel(int64_t n, int64_t grain, Do&& stretch) {
    if (n <= 0) return;
    const int64_t grains = (n + grain - 1) / grain;
    const int64_t team = std::min<int64_t>(threads(), grains);
    if (team <= 1) return stretch(int64_t(0), n);
    Carried carried;
#pragma omp parallel for num_threads(int(team)) schedule(static, 1)
    for (int64_t i = 0; i < team; ++i) {
        const int64_t first = grains * i / team * grain, last = std::min(n, grains * (i + 1) / team * grain);
        if (first < last) carried.run([&] { stretch(first, last); });
    }
    carried.release();
}

// Items that take unequal time: a free thread takes the next one. Each item's result is its own. item(i, thread) may use
// the scratch memory number `thread`, which is below threads(). Fewer than `grain` items are not worth a further thread.
template <class Do>
void parallel_items(int64_t n, int64_t grain, Do&& item) {
    const int64_t team = std::min<int64_t>(threads(), (n + grain - 1) / grain);
    if (team <= 1) {
        for (int64_t i = 0; i < n; ++i) item(i, 0);
        return;
    }
    Carried carried;
#pragma omp parallel for num_threads(int(team)) schedule(dynamic, 1)
    for (int64_t i = 0; i < n; ++i) carried.run([&] { item(i, omp_get_thread_num()); });
    carried.release();
}

// Items in a grain, where an item is about so many multiply-adds.
inline int64_t items_of(double work) { return std::max<int64_t>(1, int64_t(double(1 << 17) / std::max(work, 1.0))); }

}  // namespace gradus::cpu
