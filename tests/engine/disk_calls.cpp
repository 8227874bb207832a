#include "tests/engine/disk_calls.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "engine/base/error.h"

namespace gradus::testing {

namespace {

std::function<void(const DiskCall&)> watcher;
bool exchange_fails = false;

std::string path_of(int descriptor) {
    std::error_code problem;
    const auto path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(descriptor), problem);
    return problem ? "" : path.string();
}

std::string path_at(int folder, const char* name) {
    if (name[0] == '/' || folder == AT_FDCWD) return name;
    return path_of(folder) + "/" + name;
}

// Calls of the watcher itself are not reported.
void tell(const DiskCall& call) {
    static bool telling = false;
    if (!watcher || telling) return;
    telling = true;
    watcher(call);
    telling = false;
}

}  // namespace

WatchedDisk::WatchedDisk(std::function<void(const DiskCall&)> before, bool no_exchange) {
    CHECK(!watcher, "only one watcher at a time");
    watcher = std::move(before);
    exchange_fails = no_exchange;
}

WatchedDisk::~WatchedDisk() {
    watcher = nullptr;
    exchange_fails = false;
}

}  // namespace gradus::testing

using gradus::testing::DiskCall;

extern "C" {

ssize_t write(int descriptor, const void* data, size_t bytes) {
    if (gradus::testing::watcher) gradus::testing::tell({DiskCall::write, gradus::testing::path_of(descriptor)});
    return ssize_t(::syscall(SYS_write, descriptor, data, bytes));
}

int fsync(int descriptor) {
    gradus::testing::tell({DiskCall::sync, gradus::testing::path_of(descriptor)});
    return int(::syscall(SYS_fsync, descriptor));
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
    if (flags != 0 && gradus::testing::exchange_fails) {
        errno = EINVAL;
        return -1;
    }
    gradus::testing::tell(
        {DiskCall::rename, gradus::testing::path_at(from_folder, from), gradus::testing::path_at(to_folder, to)});
    return int(::syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
}

int rename(const char* from, const char* to) noexcept { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int folder, const char* name, int flags) noexcept {
    gradus::testing::tell({DiskCall::remove, gradus::testing::path_at(folder, name)});
    return int(::syscall(SYS_unlinkat, folder, name, flags));
}

int unlink(const char* path) noexcept { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char* path) noexcept { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
}
