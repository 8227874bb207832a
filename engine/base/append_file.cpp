#include "engine/base/append_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "engine/base/log.h"
#include "engine/base/write_error.h"

namespace gradus {

AppendFile::AppendFile(const fs::path& path, int flags)
    : path_(path), descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | flags, 0644)) {
    struct stat info {};
    if (descriptor_ >= 0 && ::fstat(descriptor_, &info) == 0) bytes_ = uint64_t(info.st_size);
}

AppendFile::~AppendFile() { close(); }

AppendFile::AppendFile(AppendFile&& other) noexcept { *this = std::move(other); }

AppendFile& AppendFile::operator=(AppendFile&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(descriptor_, other.descriptor_);
    std::swap(bytes_, other.bytes_);
    std::swap(noted_, other.noted_);
    return *this;
}

void AppendFile::close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
}

void AppendFile::tell_once() {
    const int problem = errno;
    if (!std::exchange(noted_, true))
        note(fmt::format("cannot write '{}' ({}); the run continues without these lines; {}", path_.string(),
                         reason_of(problem, path_), advice_on_writing(problem, path_)));
}

bool AppendFile::append(std::string_view records) {
    if (!is_open()) return false;
    for (size_t done = 0; done < records.size();) {
        const ssize_t n = ::write(descriptor_, records.data() + done, records.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            tell_once();
            // A partial record would make all later ones unreadable.
            if (::ftruncate(descriptor_, off_t(bytes_)) != 0) close();
            return false;
        }
        done += size_t(n);
    }
    bytes_ += records.size();
    return true;
}

void AppendFile::sync() {
    if (is_open() && ::fsync(descriptor_) != 0) tell_once();
}

}  // namespace gradus
