#pragma once
// Saves checkpoints beside training: a thread writes a copy of the state, so that training stops for the copy alone. Where
// the system gives no thread it stops until the checkpoint is written.
//
// One save is under way at a time; the next one waits for it. What goes wrong in the thread is thrown where the run next
// asks, and nothing half-written is left (engine/checkpoint/checkpoint.h).
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

    // Begins to write; the snapshot must be a copy.
    void begin(Snapshot, TrainingState);
    // The folder of a save that has ended since it was last asked.
    std::optional<fs::path> finished();
    // The same, when it has ended; nothing where none is under way.
    std::optional<fs::path> wait();
    // Whether the last one failed and has said so.
    bool has_failed() const { return !under_way_ && failed_ != nullptr; }

private:
    fs::path run_folder_;
    SaveOptions options_;
    std::thread thread_;
    bool under_way_ = false;  // and nobody has asked for its end
    std::atomic<bool> ended_ = false;
    fs::path written_;
    std::exception_ptr failed_;
};

}  // namespace gradus
