#pragma once
// Included before every .cu file that is compiled for counting: the kernels are those of namespace gradus::counted, so that a program
// has them and those of gradus::simt. Their arithmetic functions count what a GPU computes in its special function units.
// Divisions are operators, and not counted.
#include <cmath>

#define DEVICE counted

namespace gradus::simt {}
namespace gradus::counted {
using namespace gradus::simt;
}

#include "kernels/simt/counting.h"
#include "kernels/simt/device.h"

namespace gradus::counted {

inline float special(float result) {
    if (emulator::counting) emulator::add_count(emulator::Counted::special);
    return result;
}

inline float expf(float x) { return special(::expf(x)); }
inline float exp2f(float x) { return special(::exp2f(x)); }
inline float logf(float x) { return special(::logf(x)); }
inline float log2f(float x) { return special(::log2f(x)); }
inline float log1pf(float x) { return special(::log1pf(x)); }
inline float tanhf(float x) { return special(::tanhf(x)); }
inline float sinf(float x) { return special(::sinf(x)); }
inline float cosf(float x) { return special(::cosf(x)); }
inline float powf(float x, float y) { return special(special(::powf(x, y))); }  // a logarithm and a power of two
inline float sqrtf(float x) { return special(::sqrtf(x)); }
inline float rsqrtf(float x) { return special(::rsqrtf(x)); }
inline float __fdividef(float x, float y) { return special(::__fdividef(x, y)); }
inline float __frcp_rn(float x) { return special(::__frcp_rn(x)); }
inline float __fsqrt_rn(float x) { return special(::__fsqrt_rn(x)); }
inline float __frsqrt_rn(float x) { return special(::__frsqrt_rn(x)); }

}  // namespace gradus::counted
