#include "engine/base/write_error.h"

#include <sys/statvfs.h>

#include <cerrno>
#include <cstring>

namespace gradus {

namespace fs = std::filesystem;

namespace {

// A temporary file or folder (NAME.tmpPID, NAME.tmp-PID) is gone by the time the user looks.
bool is_temporary(const fs::path& folder) {
    const std::string name = folder.filename().string();
    const std::string stem = name.substr(0, name.find_last_not_of("0123456789") + 1);  // without the process
    if (stem != name && (stem.ends_with(".tmp") || stem.ends_with(".tmp-"))) return true;
    return folder.has_relative_path() && is_temporary(folder.parent_path());
}

// The parent of a path, or the nearest ancestor that exists and is not temporary.
fs::path folder_of(const fs::path& path) {
    std::error_code ignored;
    fs::path folder = path.parent_path();
    while (!folder.empty() && (!fs::exists(folder, ignored) || is_temporary(folder)) && folder.has_relative_path())
        folder = folder.parent_path();
    return folder.empty() ? "." : folder;
}

bool is_out_of_inodes(const fs::path& path) {
    struct statvfs disk {};
    return ::statvfs(folder_of(path).c_str(), &disk) == 0 && disk.f_files > 0 && disk.f_favail == 0;
}

}  // namespace

std::string advice_on_writing(int problem, const fs::path& path) {
    const std::string folder = folder_of(path).string(), again = ", then run the same command again";
    switch (problem) {
        case ENOSPC:
            return is_out_of_inodes(path) ? "remove some files: df -i " + folder + " has no inode left" + again
                                          : "free some space on that disk: df -h " + folder + again;
        case EDQUOT: return "remove some of your files there or have your quota raised: quota -s" + again;
        case EROFS: return "choose another folder: '" + folder + "' is on a file system that is mounted read-only";
        case EFBIG: return "raise the limit on the size of a file: ulimit -f unlimited; or choose another disk";
        case EACCES:
        case EPERM: return "choose another folder, or get permission to write there: ls -ld " + folder;
        case EMFILE: return "raise the limit on open files: ulimit -n 4096" + again;
        case ENFILE: return "end other programs that have files open" + again;
        case ENAMETOOLONG:
            return "choose a shorter name: " + std::to_string(path.filename().string().size()) +
                   " bytes exceed the file system's limit, or the whole path is too long";
        case ENOENT: return "create the folder first: mkdir -p " + path.parent_path().string();
        case ENOTDIR: return "choose another path: a part of this one is a file, not a folder";
        case EISDIR: return "choose another name: this one is a folder";
        case EEXIST:
        case ENOTEMPTY: return "choose another name, or remove the existing file or folder: ls -ld " + path.string();
        case ELOOP: return "choose another path: its symbolic links form a loop: ls -l " + path.string();
        case EIO: return "choose another disk: this one has errors, see dmesg";
        case ESTALE: return "mount the network file system again" + again;
        default: return "choose another folder" + again;
    }
}

std::string reason_of(int problem, const fs::path& path) {
    const std::string reason = std::strerror(problem);
    std::error_code unknown;
    const auto space = fs::space(folder_of(path), unknown);
    if (problem != ENOSPC || unknown) return reason;
    return reason + "; " + std::to_string(space.available >> 20) + " MiB are free on that disk";
}

Error write_error(const fs::path& path, int problem, const std::string& what) {
    return Error(what + " '" + path.string() + "'", reason_of(problem, path), advice_on_writing(problem, path));
}

}  // namespace gradus
