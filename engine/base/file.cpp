#include "engine/base/file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/log.h"
#include "engine/base/write_error.h"

namespace gradus {

namespace {

constexpr size_t buffer_size = 1 << 20;
constexpr std::string_view temporary_mark = ".tmp";  // before the id of the process that writes

std::string reason() { return std::strerror(errno); }

Error cannot_read(const fs::path& path) {
    return Error("cannot read '" + path.string() + "'", reason(),
                 "check that the file exists and may be read: ls -l " + path.string());
}

Error cannot_write(const fs::path& path) { return write_error(path, errno); }

int open_to_read(const fs::path& path, size_t& size) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) throw cannot_read(path);
    struct stat info {};
    if (::fstat(descriptor, &info) != 0 || S_ISDIR(info.st_mode)) {
        if (S_ISDIR(info.st_mode)) errno = EISDIR;
        const Error error = cannot_read(path);
        ::close(descriptor);
        throw error;
    }
    size = size_t(info.st_size);
    return descriptor;
}

}  // namespace

std::string read_file(const fs::path& path) {
    size_t size = 0;
    const int descriptor = open_to_read(path, size);
    std::string content;
    content.reserve(size);
    char chunk[1 << 16];
    for (ssize_t n; (n = ::read(descriptor, chunk, sizeof chunk)) != 0;) {
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            const Error error = cannot_read(path);
            ::close(descriptor);
            throw error;
        }
        content.append(chunk, size_t(n));
    }
    ::close(descriptor);
    return content;
}

MappedFile::MappedFile(const fs::path& path) : path_(path) {
    const int descriptor = open_to_read(path, size_);
    if (size_ > 0) {
        void* mapped = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, descriptor, 0);
        if (mapped == MAP_FAILED) {
            const Error error = cannot_read(path);
            ::close(descriptor);
            throw error;
        }
        data_ = static_cast<const std::byte*>(mapped);
    }
    ::close(descriptor);
}

MappedFile::~MappedFile() {
    if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept { *this = std::move(other); }

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(path_, other.path_);
    return *this;
}

fs::path temporary_name(const fs::path& path) {
    return path.string().append(temporary_mark).append(std::to_string(::getpid()));
}

AtomicFile::AtomicFile(const fs::path& path) : path_(path), temporary_(temporary_name(path)) {
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (descriptor_ < 0) throw cannot_write(path_);
    buffer_.reserve(buffer_size);
}

AtomicFile::~AtomicFile() {
    if (descriptor_ < 0) return;
    ::close(descriptor_);
    ::unlink(temporary_.c_str());
}

void AtomicFile::flush() {
    for (size_t done = 0; done < buffer_.size();) {
        const ssize_t n = ::write(descriptor_, buffer_.data() + done, buffer_.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw cannot_write(path_);
        done += size_t(n);
    }
    buffer_.clear();
}

void AtomicFile::write(const void* data, size_t bytes) {
    const char* from = static_cast<const char*>(data);
    while (bytes > 0) {
        const size_t n = std::min(bytes, buffer_size - buffer_.size());
        buffer_.append(from, n);
        from += n;
        bytes -= n;
        if (buffer_.size() == buffer_size) flush();
    }
}

void AtomicFile::seek(uint64_t offset) {
    flush();
    if (::lseek(descriptor_, off_t(offset), SEEK_SET) < 0) throw cannot_write(path_);
}

void AtomicFile::commit() {
    flush();
    if (::fsync(descriptor_) != 0) throw cannot_write(path_);
    const int closed = ::close(descriptor_);
    descriptor_ = -1;
    if (closed != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) {
        const Error error = cannot_write(path_);
        ::unlink(temporary_.c_str());
        throw error;
    }
    sync_folder(path_.parent_path());
}

bool is_running(std::string_view pid) {
    pid_t id = 0;
    const auto [end, problem] = std::from_chars(pid.data(), pid.data() + pid.size(), id);
    if (problem != std::errc() || end != pid.data() + pid.size() || id <= 0 || id == ::getpid()) return false;
    return ::kill(id, 0) == 0 || errno == EPERM;
}

namespace {

// For a temporary name of a process that no longer runs: the name before the mark; else empty.
std::string name_of_stale(const std::string& temporary) {
    const size_t mark = temporary.rfind(temporary_mark);
    if (mark == 0 || mark == std::string::npos) return "";
    const std::string_view pid = std::string_view(temporary).substr(mark + temporary_mark.size());
    const bool numbered = !pid.empty() && pid.find_first_not_of("0123456789") == std::string_view::npos;
    return numbered && !is_running(pid) ? temporary.substr(0, mark) : "";
}

template <class Condition>
void remove_entries(const fs::path& folder, Condition&& is_stale) {
    std::vector<fs::path> stale;
    std::error_code end, ignored;
    for (fs::directory_iterator at(folder, end), last; !end && at != last; at.increment(end))
        if (is_stale(*at)) stale.push_back(at->path());
    for (const fs::path& path : stale) fs::remove_all(path, ignored);
}

}  // namespace

void remove_stale_temporaries(const fs::path& folder) {
    remove_entries(folder, [](const fs::directory_entry& e) {
        std::error_code ignored;
        return !name_of_stale(e.path().filename().string()).empty() && fs::is_regular_file(e.symlink_status(ignored));
    });
}

void remove_stale_temporaries_of(const fs::path& path) {
    remove_entries(path.has_parent_path() ? path.parent_path() : ".", [&](const fs::directory_entry& e) {
        return name_of_stale(e.path().filename().string()) == path.filename().string();
    });
}

void write_file_atomically(const fs::path& path, std::string_view content) {
    AtomicFile file(path);
    file.write(content);
    file.commit();
}

void make_folder(const fs::path& folder) {
    std::error_code problem, ignored;
    fs::create_directories(folder, problem);
    if (!fs::is_directory(folder, ignored))
        throw write_error(folder, fs::exists(folder, ignored) ? EEXIST : problem.value(), "cannot create the folder");
}

void sync_folder(const fs::path& folder) {
    const int descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;  // some file systems do not let a folder be opened; the rename itself has happened
    ::fsync(descriptor);
    ::close(descriptor);
}

FolderLock::FolderLock(const fs::path& folder) {
    const fs::path path = folder / name;
    descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor_ < 0) throw cannot_write(path);
    int problem = 0;
    while (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && (problem = errno) == EINTR) problem = 0;
    if (problem == ENOLCK || problem == ENOTSUP || problem == ENOSYS) {
        note("'" + folder.string() + "' is on a file system without locks (" + std::strerror(problem) +
             "): make sure that no second run writes there");
        return;
    }
    if (problem != 0 && problem != EWOULDBLOCK) {
        ::close(descriptor_);
        throw Error("cannot lock the folder '" + folder.string() + "'",
                    "locking " + path.string() + ": " + std::strerror(problem),
                    "give the run a folder on another disk");
    }
    if (problem == EWOULDBLOCK) {
        char holder[32] = {};
        const ssize_t n = ::read(descriptor_, holder, sizeof holder - 1);
        ::close(descriptor_);
        throw Error("another run is writing '" + folder.string() + "'",
                    n > 0 ? "process " + std::string(holder) + " has locked it" : "a process has locked its .lock file",
                    "wait for that run to end, or use another folder for this one");
    }
    const std::string self = std::to_string(::getpid());
    if (::ftruncate(descriptor_, 0) != 0 || ::write(descriptor_, self.data(), self.size()) < 0) {
        // The lock is taken; only the process id is missing from the file.
    }
}

FolderLock::~FolderLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace gradus
