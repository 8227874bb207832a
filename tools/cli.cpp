#include "tools/cli.h"

#include <omp.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "engine/base/log.h"
#include "engine/checkpoint/checkpoint.h"

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

fs::path model_folder(const std::string& run_or_folder) {
    const fs::path folder = run_or_folder;
    std::error_code ignored;
    if (fs::exists(folder / "config.json", ignored)) return folder;
    if (!fs::is_directory(folder, ignored))
        throw Error("there is no model '" + run_or_folder + "'", "no such folder",
                    "give the folder of a run, of a checkpoint, or of a Hugging Face model");
    const LatestCheckpoint latest = latest_checkpoint(folder);
    for (const std::string& damage : latest.notes) note(damage);
    if (latest.folder) return *latest.folder;
    if (fs::exists(folder / "recipe.toml", ignored))
        throw Error("the run '" + run_or_folder + "' has no checkpoint",
                    "nothing whole lies in " + (folder / "checkpoints").string(),
                    "let it train to its first one: gradus pretrain " + (folder / "recipe.toml").string());
    throw Error("there is no model in '" + run_or_folder + "'", "it has neither config.json nor checkpoints/",
                "give the folder of a run, of a checkpoint, or of a Hugging Face model");
}

}  // namespace gradus
