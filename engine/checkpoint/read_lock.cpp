#include "engine/checkpoint/read_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "engine/checkpoint/manifest.h"

namespace gradus {

namespace {

// 0, or errno.
int try_to_lock(int descriptor, int mode) {
    int problem = 0;
    while (::flock(descriptor, mode | LOCK_NB) != 0 && (problem = errno) == EINTR) problem = 0;
    return problem;
}

}  // namespace

std::shared_ptr<const ReadLock> ReadLock::take(const fs::path& folder) {
    struct stat info {};
    if (::stat(folder.c_str(), &info) != 0) return nullptr;
    std::shared_ptr<ReadLock> lock(new ReadLock);
    lock->folder_ = folder;
    lock->device_ = info.st_dev;
    lock->inode_ = info.st_ino;
    lock->descriptor_ = ::open((folder / manifest_name).c_str(), O_RDONLY | O_CLOEXEC);
    if (lock->descriptor_ >= 0 && try_to_lock(lock->descriptor_, LOCK_SH) == EWOULDBLOCK) return nullptr;
    // The folder may have been removed before the lock was taken.
    return lock->still_exists() ? lock : nullptr;
}

ReadLock::~ReadLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

bool ReadLock::still_exists() const {
    struct stat info {};
    return ::stat(folder_.c_str(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_;
}

RemovalLock::RemovalLock(const fs::path& folder) {
    const fs::path manifest = folder / manifest_name;
    descriptor_ =
        ::open(manifest.c_str(), O_RDWR | O_CLOEXEC);  // NFS grants exclusive locks only on files open for writing
    if (descriptor_ < 0) descriptor_ = ::open(manifest.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor_ >= 0) read_ = try_to_lock(descriptor_, LOCK_EX) == EWOULDBLOCK;
}

RemovalLock::~RemovalLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace gradus
