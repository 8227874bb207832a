#pragma once
// Saves checkpoints in the background: a thread writes a copy of the state, so training waits only for the copy. If no
// thread can be started, training waits until the checkpoint is written.
//
// Only one save runs at a time; the next one waits for it. An exception in the thread is rethrown by the next
// finished() or wait(), and no incomplete folder is left (engine/checkpoint/checkpoint.h).
#include <atomic>
#include <exception>
#include <optional>
#include <thread>

#include "engine/checkpoint/checkpoint.h"

namespace gradus {

class CheckpointSaver {
public:
    CheckpointSaver(fs::path run_folder, SaveOptions options);
    ~CheckpointSaver();  // waits
    CheckpointSaver(const CheckpointSaver&) = delete;
    CheckpointSaver& operator=(const CheckpointSaver&) = delete;

    const SaveOptions& options() const { return options_; }

    // Starts writing; the snapshot must be a copy.
    void begin(Snapshot, TrainingState);
    // The folder of a save that has ended since the last call.
    std::optional<fs::path> finished();
    // Waits for the save in progress and returns its folder; empty if there is none.
    std::optional<fs::path> wait();
    // Whether the last save failed and its exception was rethrown.
    bool has_failed() const { return !under_way_ && failed_ != nullptr; }

private:
    fs::path run_folder_;
    SaveOptions options_;
    std::thread thread_;
    bool under_way_ = false;  // until wait() or finished() has returned its result
    std::atomic<bool> ended_ = false;
    fs::path written_;
    std::exception_ptr failed_;
};

}  // namespace gradus
