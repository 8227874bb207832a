#include "engine/plan/cpu_process.h"

#include <algorithm>

#include "engine/checkpoint/transfer.h"
#include "engine/comm_buffers.h"
#include "kernels/cpu_scratch.h"

namespace gradus {

namespace {

constexpr double mib = 1 << 20;
constexpr double program_alone = 14 * mib, program_with_mpi = 28 * mib, stack_of_thread = 0.1 * mib;
constexpr double pages_of_sample = 64 << 10;  // the kernel also maps the neighbours of a touched page

}  // namespace

CpuProcess cpu_process(const Run& r, const Counted& step, const CpuRun& run) {
    CpuProcess p;
    p.program = (run.ranks > 1 ? program_with_mpi : program_alone) + run.threads * stack_of_thread;

    p.pages = run.whole_pages;

    size_t product = 0;
    for (const auto& [shape, amount] : step.matmuls)
        product = std::max(product, cpu_matmul_scratch(shape[0], shape[1], shape[2], r.dtype));
    const AttentionSize attention = {.B = r.d.B, .T = r.d.T, .H = r.d.H, .G = r.d.G, .D = r.d.D};
    p.scratch = double(product + cpu_attention_scratch(attention, run.threads) + cpu_norm_scratch(r.d.N(), r.d.C));

    constexpr double numbers_of_token = 4;  // token, target, position, first key
    p.host = sizeof(int32_t) * (run.sequences * r.d.T * numbers_of_token + double(r.d.N())) +
             std::min(double(transfer_piece_bytes), run.largest_weight) + run.samples;
    p.data = std::min(run.mapped_bytes, run.steps * run.sequences * (pages_of_sample + 2.0 * r.d.T));
    return p;
}

double cpu_staging(const MeshSizes& mesh) {
    double bytes = 0;
    for (int ranks : {mesh.dp, mesh.tp, mesh.dp * mesh.tp}) bytes += double(receive_buffer_bytes(ranks));
    return bytes;
}

}  // namespace gradus
