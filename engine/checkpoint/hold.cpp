#include "engine/checkpoint/hold.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "engine/checkpoint/manifest.h"

namespace gradus {

namespace {

// 0, or the number of the problem.
int try_to_lock(int descriptor, int mode) {
    int problem = 0;
    while (::flock(descriptor, mode | LOCK_NB) != 0 && (problem = errno) == EINTR) problem = 0;
    return problem;
}

}  // namespace

std::shared_ptr<const ReadHold> ReadHold::take(const fs::path& folder) {
    struct stat info {};
    if (::stat(folder.c_str(), &info) != 0) return nullptr;
    std::shared_ptr<ReadHold> hold(new ReadHold);
    hold->folder_ = folder;
    hold->device_ = info.st_dev;
    hold->inode_ = info.st_ino;
    hold->descriptor_ = ::open((folder / manifest_name).c_str(), O_RDONLY | O_CLOEXEC);
    if (hold->descriptor_ >= 0 && try_to_lock(hold->descriptor_, LOCK_SH) == EWOULDBLOCK) return nullptr;
    // It may have been removed between the two looks, or before the lock.
    return hold->is_there() ? hold : nullptr;
}

ReadHold::~ReadHold() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

bool ReadHold::is_there() const {
    struct stat info {};
    return ::stat(folder_.c_str(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_;
}

RemovalLock::RemovalLock(const fs::path& folder) {
    const fs::path manifest = folder / manifest_name;
    descriptor_ = ::open(manifest.c_str(), O_RDWR | O_CLOEXEC);  // NFS locks alone only what may be written
    if (descriptor_ < 0) descriptor_ = ::open(manifest.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor_ >= 0) read_ = try_to_lock(descriptor_, LOCK_EX) == EWOULDBLOCK;
}

RemovalLock::~RemovalLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace gradus
