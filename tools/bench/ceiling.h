#pragma once
// The measured ceilings of a device, the denominators of every share that `gradus bench` prints. Each call takes tens
// of milliseconds, so that a benchmark can measure the ceiling with each of its own samples: a shared machine varies in
// speed from moment to moment.
//
//   a CPU    memory: all threads read uncached memory          arithmetic: oneDNN's matmul of 2048 x 2048 matrices
//   a GPU    memory: a large copy, bytes read and written      arithmetic: cuBLASLt's matmul of 8192 x 8192 matrices
#include <string>

#include "engine/arena.h"

namespace gradus {

class Ceilings {
public:
    // `ops` is the table of this device (tools/device.h).
    Ceilings(const std::string& device, const Ops&);
    ~Ceilings();
    Ceilings(const Ceilings&) = delete;
    Ceilings& operator=(const Ceilings&) = delete;

    double gbps() const;
    double gflops(DType) const;
    const std::string& text() const { return text_; }  // describes the two ceilings

    // Seconds that the work in the default stream takes on the device. The caches are cold, and on a GPU the work is
    // queued after a long kernel, so that launch overhead is not measured.
    template <class Work>
    double seconds(Work&& work) const {
        flush();
        ops_.record(begin_, {});
        work();
        ops_.record(end_, {});
        ops_.synchronise({});
        return ops_.seconds_between(begin_, end_);
    }

private:
    const Ops& ops_;
    const bool cpu_;
    std::string text_;
    Event begin_, end_;
    Arena workspace_;  // GPUs only
    Tensor from_, to_, matmul_workspace_;
    struct Factors {
        Tensor y, x, w;
    } f32_, bf16_;

    void flush() const;
};

}  // namespace gradus
