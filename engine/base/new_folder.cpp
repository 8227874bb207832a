#include "engine/base/new_folder.h"

#include <fcntl.h>
#include <stdio.h>

#include <cerrno>

#include "engine/base/write_error.h"

namespace gradus {

NewFolder::NewFolder(const fs::path& destination, const fs::path& temporary)
    : final_(destination), temporary_(temporary) {
    std::error_code problem;
    fs::remove_all(temporary_, problem);
    if (!fs::create_directory(temporary_, problem)) throw write_error(final_, problem ? problem.value() : EEXIST);
}

NewFolder::~NewFolder() {
    std::error_code ignored;
    if (!published_) fs::remove_all(temporary_, ignored);
}

void NewFolder::rename(const fs::path& from, const fs::path& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) throw write_error(to, errno, "cannot rename a folder to");
}

void NewFolder::publish() {
    sync_folder(temporary_);
    rename(temporary_, final_);
    published_ = true;
    sync_folder(final_.parent_path());
}

std::optional<fs::path> NewFolder::publish_over(const fs::path& aside) {
    std::error_code ignored;
    if (!fs::exists(final_, ignored)) {
        publish();
        return std::nullopt;
    }
    sync_folder(temporary_);
    fs::path old = temporary_;
    if (::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, final_.c_str(), RENAME_EXCHANGE) != 0) {
        old = aside;
        fs::remove_all(old, ignored);
        rename(final_, old);
        rename(temporary_, final_);
    }
    published_ = true;
    sync_folder(final_.parent_path());
    return old;
}

}  // namespace gradus
