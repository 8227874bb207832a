#!/usr/bin/env python3
"""The coefficients of `normal` in kernels/cpu/vector_math.h.

    python3 tools/generate/normal_tail.py        needs numpy

The upper tail of the normal distribution is exp(-x²/2) · R(x), where R falls slowly: R(x) = 1/2 at 0, and it approaches
1/(x √(2π)). For x ≥ 0, with u = (x - K) / (x + K) in [-1, 1),

    R(x) ≈ Q(u) / (x + K)

Q is the polynomial with the smallest maximum relative error, found by Lawson's iteration: repeated least squares,
each time with more weight where the error was large. Prints Q's coefficients, the constant first, as floats, and the
maximum relative errors: of Q in double, and of R as a program computes it in float.

The substitution is that of Shepherd and Laframboise, "Chebyshev approximation of (1 + 2x) exp(x²) erfc x in 0 ≤ x < ∞",
Mathematics of Computation 36 (1981); the coefficients are not theirs.
"""
import math

import numpy

K, DEGREE, FURTHEST = 3.5, 9, 13.2  # beyond FURTHEST, exp(-x²/2) underflows a float


def tail(x):
    return 0.5 * math.exp(x * x / 2) * math.erfc(x / math.sqrt(2))


def main():
    last = (FURTHEST - K) / (FURTHEST + K)
    u = (1 + numpy.cos(numpy.linspace(0, math.pi, 2001))) / 2 * (last + 1) - 1
    x = K * (1 + u) / (1 - u)
    truth = numpy.array([tail(each) for each in x])
    columns = numpy.vander(u, DEGREE + 1, increasing=True) / ((x + K) * truth)[:, None]
    weight, best = numpy.ones(len(u)), (math.inf, None)
    for _ in range(300):
        root = numpy.sqrt(weight)
        q = numpy.linalg.lstsq(columns * root[:, None], root, rcond=None)[0]
        error = numpy.abs(columns @ q - 1)
        best = min(best, (error.max(), tuple(q)))
        weight *= error / error.max() + 1e-6
        weight /= weight.sum()
    q = numpy.array(best[1], dtype=numpy.float32)
    x = x.astype(numpy.float32)
    u = (x - numpy.float32(K)) / (x + numpy.float32(K))
    value = numpy.full_like(x, q[-1])
    for each in q[-2::-1]:
        value = value * u + each
    value /= x + numpy.float32(K)
    truth = numpy.array([tail(float(each)) for each in x])
    print(", ".join(f"{each:.10g}f" for each in q))
    print(f"largest relative error: {best[0]:.2g} in double, {numpy.abs(value / truth - 1).max():.2g} in float")


if __name__ == "__main__":
    main()
