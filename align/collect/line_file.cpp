#include "align/collect/line_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/base/log.h"
#include "engine/base/write_error.h"

namespace gradus {

CompleteLines read_complete_lines(const fs::path& path) {
    const std::string text = read_file(path);
    CompleteLines read;
    for (size_t at = 0; at < text.size();) {
        const size_t end = text.find('\n', at);
        const bool ended = end != std::string::npos;
        std::string line = text.substr(at, ended ? end - at : end);
        if (!ended && !nlohmann::json::accept(line)) {
            read.rest = true;
            break;
        }
        read.lines.push_back(std::move(line));
        read.ended = ended;
        read.bytes = at = ended ? end + 1 : text.size();
    }
    return read;
}

LineFile::LineFile(const fs::path& path) : path_(path), is_new_(!fs::exists(path)) {
    descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (descriptor_ < 0) throw write_error(path, errno);
    try {
        if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
            throw Error("another program is writing '" + path.string() + "'", "a process has locked the file",
                        "end that one first, or name another file: --out FILE.jsonl");
        if (is_new_) sync_folder(path.parent_path());
        repair();
    } catch (...) {
        ::close(descriptor_);
        throw;
    }
}

LineFile::~LineFile() {
    if (is_new_ && bytes_ == 0) ::unlink(path_.c_str());
    ::close(descriptor_);
}

void LineFile::repair() {
    CompleteLines read = read_complete_lines(path_);
    lines_ = std::move(read.lines);
    bytes_ = read.bytes;
    if (read.rest) {
        note("the last line of '" + path_.string() + "' was incomplete, as after a kill, and is removed");
        if (::ftruncate(descriptor_, off_t(bytes_)) != 0) throw write_error(path_, errno);
    }
    if (!read.ended) write("\n");
}

void LineFile::write(const std::string& text) {
    int problem = 0;
    for (size_t done = 0; done < text.size() && problem == 0;) {
        const ssize_t n = ::write(descriptor_, text.data() + done, text.size() - done);
        if (n >= 0) done += size_t(n);
        else if (errno != EINTR) problem = errno;
    }
    if (problem == 0 && ::fsync(descriptor_) != 0) problem = errno;
    if (problem != 0) {
        if (::ftruncate(descriptor_, off_t(bytes_)) != 0)
            note("part of a line remains at the end of '" + path_.string() + "'");
        throw write_error(path_, problem);
    }
    bytes_ += text.size();
}

void LineFile::append(const std::string& line) { write(line + "\n"); }

}  // namespace gradus
