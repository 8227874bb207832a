#pragma once
// Locks that keep a checkpoint in place while it is read: a run that removes old checkpoints skips it.
//
// A reader takes a shared lock (flock) on the manifest in the folder; a process that removes the folder takes an
// exclusive one first. The kernel releases a lock when its process ends, however it ends. On a file system without
// locks, or without locks between machines (some network ones), nothing is locked; a reader then notices that the
// folder was removed, and starts again with the newest checkpoint.
#include <sys/types.h>

#include <memory>

#include "engine/base/file.h"

namespace gradus {

class ReadLock {
public:
    // Null if the folder no longer exists or is being removed. A folder without a manifest is not locked.
    static std::shared_ptr<const ReadLock> take(const fs::path& folder);
    ~ReadLock();
    ReadLock(const ReadLock&) = delete;
    ReadLock& operator=(const ReadLock&) = delete;

    // Whether the path still names the folder that was locked.
    bool still_exists() const;

private:
    ReadLock() = default;

    fs::path folder_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
    int descriptor_ = -1;
};

// A folder that is read, and its lock; null if the folder is not a checkpoint.
struct LockedFolder {
    fs::path path;
    std::shared_ptr<const ReadLock> lock = {};

    bool still_exists() const { return !lock || lock->still_exists(); }
};

// Taken before a checkpoint is removed.
class RemovalLock {
public:
    explicit RemovalLock(const fs::path& folder);
    ~RemovalLock();
    RemovalLock(const RemovalLock&) = delete;
    RemovalLock& operator=(const RemovalLock&) = delete;

    bool is_read() const { return read_; }  // by another process: the folder must stay

private:
    int descriptor_ = -1;
    bool read_ = false;
};

}  // namespace gradus
