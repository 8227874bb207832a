#include "engine/checkpoint/saver.h"

#include <memory>
#include <system_error>

namespace gradus {

CheckpointSaver::CheckpointSaver(fs::path run_folder, SaveOptions options)
    : run_folder_(std::move(run_folder)), options_(std::move(options)) {}

CheckpointSaver::~CheckpointSaver() {
    if (thread_.joinable()) thread_.join();
}

void CheckpointSaver::begin(Snapshot snapshot, TrainingState state) {
    CHECK(!under_way_, "begin() before the last save was waited for");
    under_way_ = true;
    ended_ = false;
    failed_ = nullptr;
    const auto save = [this](Snapshot& copy, const TrainingState& of) {
        try {
            written_ = save_checkpoint(run_folder_, copy, of, options_);
        } catch (...) { failed_ = std::current_exception(); }
        copy = {};  // frees its memory before the end is reported
        ended_ = true;
    };
    const auto kept = std::make_shared<std::pair<Snapshot, TrainingState>>(std::move(snapshot), std::move(state));
    try {
        thread_ = std::thread([save, kept] { save(kept->first, kept->second); });
    } catch (const std::system_error&) {  // no more threads: training waits for this save
        save(kept->first, kept->second);
    }
}

std::optional<fs::path> CheckpointSaver::finished() {
    if (!ended_) return std::nullopt;
    return wait();
}

std::optional<fs::path> CheckpointSaver::wait() {
    if (!under_way_) return std::nullopt;
    if (thread_.joinable()) thread_.join();
    under_way_ = false;
    if (failed_) std::rethrow_exception(failed_);
    return written_;
}

}  // namespace gradus
