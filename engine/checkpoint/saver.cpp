#include "engine/checkpoint/saver.h"

namespace gradus {

CheckpointSaver::CheckpointSaver(fs::path run_folder, SaveOptions options)
    : run_folder_(std::move(run_folder)), options_(std::move(options)) {}

CheckpointSaver::~CheckpointSaver() {
    if (thread_.joinable()) thread_.join();
}

void CheckpointSaver::begin(Snapshot snapshot, TrainingState state) {
    CHECK(!thread_.joinable(), "a save before the end of the last one was asked for");
    ended_ = false;
    failed_ = nullptr;
    thread_ = std::thread([this, snapshot = std::move(snapshot), state = std::move(state)]() mutable {
        try {
            written_ = save_checkpoint(run_folder_, snapshot, state, options_);
        } catch (...) { failed_ = std::current_exception(); }
        snapshot = {};  // its memory is free again before anybody learns of the end
        ended_ = true;
    });
}

std::optional<fs::path> CheckpointSaver::finished() {
    if (!thread_.joinable() || !ended_) return std::nullopt;
    return wait();
}

std::optional<fs::path> CheckpointSaver::wait() {
    if (!thread_.joinable()) return std::nullopt;
    thread_.join();
    if (failed_) std::rethrow_exception(failed_);
    return written_;
}

}  // namespace gradus
