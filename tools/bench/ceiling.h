#pragma once
// What a device can do at best, measured: the denominators of every share that `gradus bench` prints. Each call takes some
// tens of milliseconds, so that a benchmark can take one beside each of its own: a machine that others use is not equally
// fast at every moment.
//
//   a CPU    memory: all threads read what no cache holds      arithmetic: oneDNN's matmul of 2048 x 2048 matrices
//   a GPU    memory: a large copy, bytes read and written      arithmetic: cuBLASLt's matmul of 8192 x 8192 matrices
#include <string>

#include "engine/arena.h"

namespace gradus {

class Ceilings {
public:
    // Of the table that tools/device.h gives for this name.
    Ceilings(const std::string& device, const Ops&);
    ~Ceilings();
    Ceilings(const Ceilings&) = delete;
    Ceilings& operator=(const Ceilings&) = delete;

    double gbps() const;
    double gflops(DType) const;
    const std::string& text() const { return text_; }  // what the two are

    // Seconds that work which is given to the default stream takes on the device. Nothing that it reads is in a cache, and on
    // a GPU it is queued behind something long: its launches cost no time.
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
    Arena room_;  // of a device
    Tensor from_, to_, matmul_workspace_;
    struct Factors {
        Tensor y, x, w;
    } f32_, bf16_;

    void flush() const;
};

}  // namespace gradus
