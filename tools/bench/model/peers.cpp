#include "tools/bench/model/peers.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "tools/bench/model/attention_peers.h"

namespace gradus {

namespace {

constexpr double bf16_bytes = 2;

// The published tiles: flash-attention's csrc/flash_attn/src (2) and hopper/ (3), ThunderKittens' mha_h100. cuDNN's are not
// published: those of FlashAttention-3 stand for them.
AttentionTile fa2(double D) {
    return D == 64 ? AttentionTile{128, 128, 128, 255, 1, false} : AttentionTile{128, 64, 128, 255, 1, false};
}
AttentionTile fa2_backward(double D) {
    return D == 64 ? AttentionTile{128, 128, 256, 255, 1, false} : AttentionTile{64, 128, 256, 255, 2, false};
}
AttentionTile fa3(double D, bool causal) {
    if (D == 64) return {192, causal ? 128. : 192., 512, 128, 2, true};
    return {128, causal ? 128. : 176., 384, 168, 2, true};
}
AttentionTile fa3_backward(double D) {
    return D == 64 ? AttentionTile{128, 128, 384, 168, 2, true} : AttentionTile{64, 128, 384, 168, 2, true};
}
AttentionTile kittens() { return {192, 128, 512, 128, 2, true}; }

std::string text(const AttentionShape& s) {
    std::string name = "D=" + std::to_string(int(s.D)) + (s.causal ? " causal" : "") + " T=" + std::to_string(int(s.S));
    if (s.G != s.H) name += " " + std::to_string(int(s.H)) + "/" + std::to_string(int(s.G)) + " heads";
    return name;
}

// A row of heads of the FlashAttention papers' benchmark: 16k tokens, 2048 channels.
AttentionShape paper(double S, double D, bool causal) { return {16384 / S, 2048 / D, 2048 / D, S, D, causal}; }

struct List {
    std::vector<Published> all;

    void forward(const std::string& kernel, const AttentionShape& s, const AttentionTile& t, const std::string& card,
                 double value, const std::string& source, bool fitted = false) {
        all.push_back({kernel + " forward",
                       text(s),
                       card,
                       "TFLOP/s",
                       value * 1e12,
                       s.forward_flops(),
                       {attention_forward(s, t)},
                       1,
                       source,
                       fitted});
    }
    void backward(const std::string& kernel, const AttentionShape& s, const AttentionTile& t, const std::string& card,
                  double value, const std::string& source, bool fitted = false) {
        all.push_back({kernel + " backward",
                       text(s),
                       card,
                       "TFLOP/s",
                       value * 1e12,
                       s.backward_flops(),
                       {attention_backward(s, t)},
                       1,
                       source,
                       fitted});
    }
    // One row per block of 128 to 256 threads that holds it; `bytes` of each element are read and written.
    void rows(const std::string& kernel, double N, double C, double bytes, const std::string& card, double gbps,
              const std::string& source, bool fitted = false) {
        KernelWork w;
        w.threads = 256;
        w.registers = 40;
        const double rows_of_block = std::max(1.0, 8 * 256 / C);
        w.blocks = std::ceil(N / rows_of_block);
        w.l2_bytes = w.dram_bytes = N * C * bytes;
        w.instructions = N * C * 8 / 32;  // convert, two sums, scale, convert, and the accesses
        w.wavefronts = w.l2_bytes / 128;
        w.bytes_in_flight = 32 * std::min(64.0, std::max(16.0, C * bf16_bytes / 256));
        all.push_back({kernel,
                       std::to_string(int(N)) + " x " + std::to_string(int(C)),
                       card,
                       "GB/s",
                       gbps * 1e9,
                       w.dram_bytes,
                       {w},
                       1,
                       source,
                       fitted});
    }
    void matmul(double size, const std::string& card, double tflops, const std::string& source, bool fitted = false);
};

KernelWork matmul_work(double m, double n, double k) {
    KernelWork w;
    w.library_flops = 2 * m * n * k;
    w.m = m, w.n = n, w.k = k;
    w.dram_bytes = bf16_bytes * (m * k + n * k + m * n);
    return w;
}

void List::matmul(double size, const std::string& card, double tflops, const std::string& source, bool fitted) {
    const std::string edge = std::to_string(int(size));
    all.push_back({"cuBLAS bf16",
                   edge + " x " + edge + " x " + edge,
                   card,
                   "TFLOP/s",
                   tflops * 1e12,
                   2 * size * size * size,
                   {matmul_work(size, size, size)},
                   1,
                   source,
                   fitted});
}

KernelWork elementwise(double bytes) {
    KernelWork w;
    w.threads = 512;
    w.l2_bytes = w.dram_bytes = bytes;
    w.blocks = std::max(1.0, bytes / (512 * 32));
    return w;
}

// A training step of GPT-2 as llm.c computes it: matmuls of a block and of the head, forward and backward, attention by cuDNN, and
// the bytes of its norms, GELUs, bias gradients and classifier.
std::vector<KernelWork> gpt2_step(double B, double T, double C, double L, double H, double V, bool hopper) {
    std::vector<KernelWork> works;
    const double N = B * T, D = C / H;
    const auto linear = [&](double in, double out, double times) {
        for (const KernelWork& w : {matmul_work(N, out, in), matmul_work(N, in, out), matmul_work(out, in, N)})
            for (double i = 0; i < times; ++i) works.push_back(w);
    };
    linear(C, 3 * C, L);
    linear(C, C, L);
    linear(C, 4 * C, L);
    linear(4 * C, C, L);
    linear(C, V, 1);
    const AttentionShape s = {B, H, H, T, D, true};
    for (double i = 0; i < L; ++i) {
        works.push_back(attention_forward(s, hopper ? fa3(D, true) : fa2(D)));
        works.push_back(attention_backward(s, hopper ? fa3_backward(D) : fa2_backward(D)));
        // Twice residual + norm (8 bytes a channel each), GELU forward and again, its backward, two norm backwards, four bias sums.
        for (const double bytes : {16, 16, 16, 24, 16, 18}) works.push_back(elementwise(bytes * N * C));
    }
    works.push_back(elementwise(2 * bf16_bytes * N * V));
    return works;
}

List all_rows() {
    List l;
    const std::string figure = "FlashAttention-3 paper, figure of the forward, read off",
                      backward = "FlashAttention-3 paper, figure of the backward",
                      cudnn = "cudnn-frontend, h200_919_only_cudnn", norms = "cudnn-frontend, norms CSV of H200",
                      again = "blackwell-tensorcore-kernels, results/reference", tk = "ThunderKittens, attn.png",
                      h20 = "flash-attention issue 1310", pytorch = "pytorch/benchmark PR 2391";
    const double lengths[] = {512, 2048, 16384};
    const auto series = [&](auto add, std::initializer_list<double> values) {
        int i = 0;
        for (const double value : values) add(lengths[i++], value);
    };
    series(
        [&](double S, double v) {
            l.forward("FlashAttention-2", paper(S, 128, false), fa2(128), "h100", v, figure, S != 2048);
        },
        {309, 362, 370});
    series([&](double S, double v) { l.forward("FlashAttention-2", paper(S, 128, true), fa2(128), "h100", v, figure); },
           {191, 298, 335});
    series(
        [&](double S, double v) {
            l.forward("FlashAttention-2", paper(S, 64, false), fa2(64), "h100", v, figure, S == 16384);
        },
        {282, 318, 324});
    series([&](double S, double v) { l.forward("FlashAttention-2", paper(S, 64, true), fa2(64), "h100", v, figure); },
           {180, 262, 299});
    series(
        [&](double S, double v) {
            l.forward("FlashAttention-3", paper(S, 128, false), fa3(128, false), "h100", v, figure, S == 16384);
        },
        {467, 625, 648});
    series([&](double S,
               double v) { l.forward("FlashAttention-3", paper(S, 128, true), fa3(128, true), "h100", v, figure); },
           {292, 521, 616});
    series([&](double S,
               double v) { l.forward("FlashAttention-3", paper(S, 64, false), fa3(64, false), "h100", v, figure); },
           {333, 460, 497});
    series([&](double S,
               double v) { l.forward("FlashAttention-3", paper(S, 64, true), fa3(64, true), "h100", v, figure); },
           {197, 371, 473});
    series(
        [&](double S, double v) {
            l.backward("FlashAttention-2", paper(S, 128, false), fa2_backward(128), "h100", v, backward);
        },
        {214, 291, 322});
    series(
        [&](double S, double v) {
            l.backward("FlashAttention-2", paper(S, 64, false), fa2_backward(64), "h100", v, backward);
        },
        {198, 264, 291});
    series(
        [&](double S, double v) {
            l.backward("FlashAttention-3", paper(S, 128, false), fa3_backward(128), "h100", v, backward);
        },
        {316, 501, 561});
    series(
        [&](double S, double v) {
            l.backward("FlashAttention-3", paper(S, 64, false), fa3_backward(64), "h100", v, backward);
        },
        {272, 422, 474});
    l.forward("FlashAttention-3", paper(16384, 128, false), fa3(128, false), "h100", 621, pytorch);
    l.forward("FlashAttention-2", {2, 16, 16, 8192, 128, false}, fa2(128), "h100", 388, again);
    l.forward("FlashAttention-2", {2, 16, 16, 8192, 128, true}, fa2(128), "h100", 338, again);
    l.backward("FlashAttention-2", {2, 16, 16, 8192, 128, false}, fa2_backward(128), "h100", 326, again);
    l.forward("FlashAttention-3", {2, 16, 16, 8192, 128, false}, fa3(128, false), "h100", 757, again);
    l.forward("FlashAttention-3", {2, 16, 16, 8192, 128, true}, fa3(128, true), "h100", 738, again);
    l.forward("FlashAttention-2", {2, 16, 16, 2048, 128, false}, fa2(128), "h20", 83.7, h20);
    l.forward("FlashAttention-3", {2, 16, 16, 2048, 128, false}, fa3(128, false), "h20", 126.2, h20);
    l.forward("FlashAttention-3", {2, 32, 32, 2048, 64, false}, fa3(64, false), "h20", 120.1, h20);
    for (const auto& [S, v] : {std::pair{1536., 612.}, {6144., 635.}})
        l.forward("ThunderKittens", {16, 16, 16, S, 128, false}, kittens(), "h100", v, tk);
    for (const auto& [S, v] : {std::pair{1536., 417.}, {6144., 537.}})
        l.forward("ThunderKittens", {16, 16, 16, S, 128, true}, kittens(), "h100", v, tk);
    for (const auto& [S, full, causal] : {std::tuple{2048., 633., 484.}, {8192., 691., 644.}, {32768., 693., 688.}}) {
        l.forward("cuDNN 9.19", {1, 64, 8, S, 128, false}, fa3(128, false), "h200", full, cudnn);
        l.forward("cuDNN 9.19", {1, 64, 8, S, 128, true}, fa3(128, true), "h200", causal, cudnn);
    }
    for (const auto& [S, full, causal] : {std::tuple{2048., 504., 370.}, {8192., 594., 541.}, {32768., 572., 581.}}) {
        l.backward("cuDNN 9.19", {1, 64, 8, S, 128, false}, fa3_backward(128), "h200", full, cudnn);
        l.backward("cuDNN 9.19", {1, 64, 8, S, 128, true}, fa3_backward(128), "h200", causal, cudnn);
    }
    struct Norm {
        double N, C, forward, backward;
    };
    for (const Norm& n : {Norm{16384, 4096, 3708, 3801},
                          {8192, 8192, 3771, 3526},
                          {4096, 16384, 3845, 3420},
                          {8192, 5120, 3762, 3658},
                          {4096, 2048, 3228, 2597},
                          {131072, 128, 3203, 2923}}) {
        l.rows("cuDNN RMSNorm forward", n.N, n.C, 2 * bf16_bytes, "h200", n.forward, norms, n.C == 4096 || n.C == 2048);
        l.rows("cuDNN RMSNorm backward", n.N, n.C, 3 * bf16_bytes, "h200", n.backward, norms);
    }
    l.rows("Quack RMSNorm forward", 32768, 4096, 2 * bf16_bytes, "h100", 3005, "Quack, 89.7 % of 3.35 TB/s");
    l.rows("Quack cross-entropy", 8192, 32768, 2 * bf16_bytes, "h100", 3005, "Quack, the same for rows from 4k");
    l.matmul(8192, "h100", 756, again, true);
    l.matmul(8192, "h100", 795, "fast.cu");
    l.matmul(4096, "h100", 716, "fast.cu");
    l.matmul(8192, "h200", 788, "torch.matmul on one H200, random data");
    l.all.push_back({"llm.c, GPT-2 124M", "micro-batch 64 x 1024", "a100", "tokens/s", 218e3, 64 * 1024,
                     gpt2_step(64, 1024, 768, 12, 12, 50304, false), 1,
                     "llm.c, run_gpt2_124M.sh: 300 ms for 524,288 on eight cards"});
    l.all.push_back({"llm.c, GPT-2 1558M", "micro-batch 16 x 1024", "h100", "tokens/s", 47.7e3, 16 * 1024,
                     gpt2_step(16, 1024, 1600, 48, 25, 50304, true), 1,
                     "llm.c discussion 677: 2,750 ms for 1,048,576 on eight cards"});
    return l;
}

}  // namespace

const std::vector<Published>& published() {
    static const std::vector<Published> rows = all_rows().all;
    return rows;
}

Modelled model(const Published& row, const ModelConstants& constants) {
    Modelled m = {};
    double longest = 0;
    for (const KernelWork& w : row.works) {
        const TimeEstimate e = estimated_time(w, card_of(row.card), constants);
        m.seconds += e.seconds;
        if (e.seconds > longest) longest = e.seconds, m.limit = e.limit;
    }
    m.seconds *= row.repeats;
    m.value = row.amount / m.seconds;
    m.error = m.value / row.value - 1;
    return m;
}

double median_error(bool fitted, const ModelConstants& constants) {
    std::vector<double> errors;
    for (const Published& row : published())
        if (row.fitted == fitted) errors.push_back(std::abs(model(row, constants).error));
    std::sort(errors.begin(), errors.end());
    return errors[errors.size() / 2];
}

}  // namespace gradus
