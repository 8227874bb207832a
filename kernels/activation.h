#pragma once
// Activations between two linears, plain and gated, element by element.
//
//   gelu_tanh(x) = ½·x·( 1 + tanh( √(2/π)·(x + 0.044715·x³) ) )       Hendrycks, Gimpel 2016, as in GPT-2
//   gelu_erf(x)  = x·Φ(x),  Φ(x) = ½·( 1 + erf(x/√2) )                the exact form; gelu_tanh is within 5e-4 of it
//   silu(x)      = x / (1 + exp(−x))
//   relu(x)      = max(x, 0)
//
//   plain   y[n,f] = f(x[n,f])
//   gated   y[n,f] = f(gate[n,f]) · up[n,f]       x = [gate | up], so silu gives SwiGLU and either gelu GEGLU
//
// Backward:
//   plain   d_x    = f'(x) · d_y
//   gated   d_gate = f'(gate) · up · d_y          d_up = f(gate) · d_y
//
//   gelu_erf'(x) = Φ(x) + x·exp(−x²/2)/√(2π)      the others follow from their formulas
//
// Memory bound. Source of the gated forms: Shazeer 2020.
#include "kernels/tensor.h"

namespace gradus {

enum class Activation { gelu_tanh, gelu_erf, silu, relu };

struct ActivationForward {
    Out y;  // [N,F]   may alias x
    In x;   // [N,F]
    Activation kind;
};

struct ActivationBackward {
    Out d_x;    // [N,F]   may alias d_y
    In d_y, x;  // [N,F]
    Activation kind;
};

struct GatedForward {
    Out y;  // [N,F]
    In x;   // [N,2F]  gate, then up
    Activation kind;
};

struct GatedBackward {
    Out d_x;  // [N,2F]
    In d_y;   // [N,F]
    In x;     // [N,2F]
    Activation kind;
};

inline Cost cost(const ActivationForward& a) { return {2.0 * double(a.x.bytes()), 10.0 * double(a.x.size())}; }
inline Cost cost(const ActivationBackward& a) { return {3.0 * double(a.x.bytes()), 16.0 * double(a.x.size())}; }
inline Cost cost(const GatedForward& a) { return {1.5 * double(a.x.bytes()), 5.0 * double(a.x.size())}; }
inline Cost cost(const GatedBackward& a) { return {2.5 * double(a.x.bytes()), 8.0 * double(a.x.size())}; }

}  // namespace gradus
