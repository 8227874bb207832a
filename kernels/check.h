#pragma once
// Checks of every op's arguments, shared by all backends: shapes, dtypes, aliasing, tensors that must be given together. A failed
// check is a bug in gradus (CHECK), never an error of the user: invalid settings are rejected earlier.
#include "kernels/ops.h"
#include "kernels/step_values.h"

namespace gradus {

void check(const EmbeddingForward&);
void check(const EmbeddingBackward&);
void check(const LayerNormForward&);
void check(const AddLayerNormForward&);
void check(const LayerNormBackward&);
void check(const RmsNormForward&);
void check(const AddRmsNormForward&);
void check(const RmsNormBackward&);
void check(const LinearForward&);
void check(const LinearBackwardInput&);
void check(const LinearBackwardWeight&);
void check(const LinearActivationForward&);
void check(const LinearActivationBackward&);
void check(const RowDotForward&);
void check(const RowDotBackward&);
void check(const Rope&);
void check(const QkNormRopeForward&);
void check(const QkNormRopeBackward&);
void check(const AttentionForward&);
void check(const AttentionBackward&);
void check(const AttentionCached&);
void check(const ActivationForward&);
void check(const ActivationBackward&);
void check(const GatedForward&);
void check(const GatedBackward&);
void check(const Dropout&);
void check(const AddDropout&);
void check(const AddNoise&);
void check(const CrossEntropyStats&);
void check(const CrossEntropyJoin&);
void check(const CrossEntropyForward&);
void check(const CrossEntropyBackward&);
void check(const CrossEntropy&);
void check(const Sample&);
void check(const Add&);
void check(const Cast&);
void check(const SquareSum&);
void check(const ClipScale&);
void check(const AdamW&);
void check(const Average&);
void check(const Muon&);

// Called before the upload, because an op cannot read device memory on the host.
void check(const StepValues&);

// An op that checks its arguments, then runs: Ops{.add = checked<Add, cpu::add>, …}.
template <class Args, Op<Args> run>
void checked(const Args& a, Stream s) {
    check(a);
    run(a, s);
}

}  // namespace gradus
