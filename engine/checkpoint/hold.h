#pragma once
// A hold on a checkpoint for as long as somebody reads it: a run that removes old checkpoints leaves it alone.
//
// A reader locks the manifest in the folder (flock, shared); whoever removes the folder locks it alone first. The kernel
// releases a lock when its process ends, however it ends. Where a file system has no locks (some network ones), or none between
// machines, nothing is held; a reader then finds out afterwards that the folder is gone and begins again with the newest.
#include <sys/types.h>

#include <memory>

#include "engine/base/file.h"

namespace gradus {

class ReadHold {
public:
    // Nothing where the folder is gone or is being removed. A folder without a manifest is not locked.
    static std::shared_ptr<const ReadHold> take(const fs::path& folder);
    ~ReadHold();
    ReadHold(const ReadHold&) = delete;
    ReadHold& operator=(const ReadHold&) = delete;

    // Whether the folder under that name is still the one that was taken hold of.
    bool is_there() const;

private:
    ReadHold() = default;

    fs::path folder_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
    int descriptor_ = -1;
};

// A folder that is read, and the hold on it; without one where the folder is not a checkpoint.
struct HeldFolder {
    fs::path path;
    std::shared_ptr<const ReadHold> hold = {};

    bool is_there() const { return !hold || hold->is_there(); }
};

// Taken before a checkpoint is removed.
class RemovalLock {
public:
    explicit RemovalLock(const fs::path& folder);
    ~RemovalLock();
    RemovalLock(const RemovalLock&) = delete;
    RemovalLock& operator=(const RemovalLock&) = delete;

    bool is_read() const { return read_; }  // by somebody: the folder must stay

private:
    int descriptor_ = -1;
    bool read_ = false;
};

}  // namespace gradus
