#pragma once
// A folder that appears complete or not at all: it is written under a temporary name beside its own, flushed to the
// disk and renamed. A reader sees no folder, the old one, or all of the new one; a full disk or a kill leaves the old
// one.
#include <optional>

#include "engine/base/file.h"

namespace gradus {

class NewFolder {
public:
    // Creates the temporary folder; a leftover of a killed process under that name is removed first. Error when it
    // cannot be created.
    NewFolder(const fs::path& destination, const fs::path& temporary);
    // Without publish() nothing is left.
    ~NewFolder();
    NewFolder(const NewFolder&) = delete;
    NewFolder& operator=(const NewFolder&) = delete;

    const fs::path& path() const { return temporary_; }  // to write in

    // Renames the folder to its destination, which must not exist or be an empty folder. Error when that fails.
    void publish();
    // The same, but replaces an older folder of that name. The older one is moved aside and its new path returned: the
    // temporary name, or `aside` on a file system that cannot exchange two names (NFS). There the destination is
    // missing for a moment between two renames.
    std::optional<fs::path> publish_over(const fs::path& aside);

private:
    void rename(const fs::path& from, const fs::path& to);

    fs::path final_, temporary_;
    bool published_ = false;
};

}  // namespace gradus
