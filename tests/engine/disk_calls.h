#pragma once
// Observes this process's calls to the disk: this program replaces the C library's fsync, rename, renameat2, write,
// unlink, rmdir and unlinkat by functions that report to a test and then do the same.
#include <functional>
#include <string>

namespace gradus::testing {

struct DiskCall {
    enum Kind { write, sync, rename, remove } kind;
    std::string path;     // of the file or folder
    std::string to = {};  // of a rename
};

// While it exists every call is reported before it is made. `no_exchange`: two names cannot be exchanged, as on NFS.
class WatchedDisk {
public:
    explicit WatchedDisk(std::function<void(const DiskCall&)> before, bool no_exchange = false);
    ~WatchedDisk();
    WatchedDisk(const WatchedDisk&) = delete;
    WatchedDisk& operator=(const WatchedDisk&) = delete;
};

}  // namespace gradus::testing
