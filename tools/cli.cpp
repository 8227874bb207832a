#include "tools/cli.h"

#include <omp.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace gradus {

void add_threads_option(CLI::App& app, int& threads) {
    app.add_option("--threads", threads, "CPU threads; 0: one for each core")
        ->check(CLI::Range(0, 4096))
        ->capture_default_str();
}

void use_threads(int threads) {
    if (threads > 0) omp_set_num_threads(threads);
}

int threads_in_use() { return omp_get_max_threads(); }

void add_dtype_option(CLI::App& app, std::string& dtype) {
    app.add_option("--dtype", dtype, "what weights and activations are computed in: f32 or bf16")
        ->check(CLI::IsMember({"f32", "bf16"}))
        ->capture_default_str();
}

DType parse_dtype(const std::string& dtype) { return dtype == "bf16" ? DType::bf16 : DType::f32; }

Error unwritten_output() {
    return Error("standard output cannot be written", std::strerror(errno), "send it to a disk with room: > FILE");
}

}  // namespace gradus
