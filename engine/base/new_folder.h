#pragma once
// A folder that appears complete or not at all: it is written under a temporary name beside its own, flushed to the disk and
// renamed. A reader sees no folder, the old one, or all of the new one; a full disk or a kill leaves the old one.
#include <optional>

#include "engine/base/file.h"

namespace gradus {

class NewFolder {
public:
    // Makes the temporary folder; what a killed process left under that name is removed first. Error when it cannot be made.
    NewFolder(const fs::path& destination, const fs::path& temporary);
    // Without publish() nothing is left.
    ~NewFolder();
    NewFolder(const NewFolder&) = delete;
    NewFolder& operator=(const NewFolder&) = delete;

    const fs::path& path() const { return temporary_; }  // to write in

    // Gives the folder its own name, where there is nothing or an empty folder. Error when that cannot be.
    void publish();
    // The same where there may be an older folder of that name. It is moved aside, and where it lies then is returned: under
    // the temporary name, or under `aside` on a file system that cannot exchange two names (NFS). There the final name is
    // missing for a moment between two renames.
    std::optional<fs::path> publish_over(const fs::path& aside);

private:
    void rename(const fs::path& from, const fs::path& to);

    fs::path final_, temporary_;
    bool published_ = false;
};

}  // namespace gradus
