#pragma once
// The score functions of kernels/attention_score.h, as the kernels on sm_90a compute them between two products.
//
// A thread has the scores of a row at columns that are constants away from its first one. So a score function takes the distance
// u − t in two parts, that of the first column and a constant, and an element costs no conversion of an integer.
//
//   HeadScore<Score> of_head(score, h)
//   of_head(x, distance, offset)          the score of x = scale·q·k at the distance u − t = distance + offset
//   of_head.backward(d, x)                the gradient with respect to x
#include "kernels/attention_score.h"
#include "kernels/cuda/primitives/device.h"

namespace gradus::DEVICE {

template <class Score>
struct HeadScore;

template <>
struct HeadScore<PlainScore> {
    __device__ HeadScore(const PlainScore&, int) {}

    __device__ float operator()(float x, int, int) const { return x; }
    __device__ float backward(float d, float) const { return d; }
};

template <>
struct HeadScore<SoftCapScore<float>> {
    float cap, inverse;

    __device__ HeadScore(const SoftCapScore<float>& score, int) : cap(score.cap), inverse(score.inverse) {}

    __device__ float operator()(float x, int, int) const { return cap * tanhf(inverse * x); }
    __device__ float backward(float d, float x) const { return with_share(d, tanhf(inverse * x)); }
    __device__ float with_share(float d, float share) const {
        return d * (1 - share * share);
    }  // share = tanh(x / cap)
};

template <>
struct HeadScore<AlibiScore<float>> {
    float slope;

    __device__ HeadScore(const AlibiScore<float>& score, int h) : slope(score.slopes[h]) {}

    // Distances are below 2^24: exact.
    __device__ float operator()(float x, int distance, int offset) const {
        return x + slope * (float(distance) + float(offset));
    }
    __device__ float backward(float d, float) const { return d; }
};

template <>
struct HeadScore<RelativeBiasScore<float>> {
    const float* nearest;  // of distance 0
    int reach;

    __device__ HeadScore(const RelativeBiasScore<float>& score, int h)
        : nearest(score.bias + int64_t(h) * (2 * score.reach + 1) + score.reach), reach(score.reach) {}

    __device__ float operator()(float x, int distance, int offset) const {
        return x + nearest[max(-reach, min(distance + offset, reach))];
    }
    __device__ float backward(float d, float) const { return d; }
};

}  // namespace gradus::DEVICE
