#pragma once
// What this process asks of the disk, seen one call at a time: this program has functions of its own in the place of the
// C library's fsync, rename, renameat2, write, unlink, rmdir and unlinkat, which tell a test and then do the same.
#include <functional>
#include <string>

namespace gradus::testing {

struct DiskCall {
    enum Kind { write, sync, rename, remove } kind;
    std::string path;     // of the file or folder
    std::string to = {};  // of a rename
};

// While it lives every call is told before it is done. Where `no_exchange`, two names cannot change places, as on NFS.
class WatchedDisk {
public:
    explicit WatchedDisk(std::function<void(const DiskCall&)> before, bool no_exchange = false);
    ~WatchedDisk();
    WatchedDisk(const WatchedDisk&) = delete;
    WatchedDisk& operator=(const WatchedDisk&) = delete;
};

}  // namespace gradus::testing
