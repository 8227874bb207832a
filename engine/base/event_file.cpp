#include "engine/base/event_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>

#include "engine/base/event_record.h"
#include "engine/base/log.h"

namespace gradus {

namespace {

constexpr std::string_view prefix = "events.out.tfevents.";
constexpr size_t digits_of_seconds = 10;
constexpr size_t largest_buffer = 1 << 16;

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

// The seconds in the name of an event file; -1: it is not one.
int64_t seconds_of(const std::string& name) {
    if (!name.starts_with(prefix) || name.size() < prefix.size() + digits_of_seconds) return -1;
    const char* first = name.data() + prefix.size();
    int64_t seconds = -1;
    const auto [end, problem] = std::from_chars(first, first + digits_of_seconds, seconds);
    return problem == std::errc() && end == first + digits_of_seconds ? seconds : -1;
}

int64_t seconds_after_others(const fs::path& folder) {
    auto seconds = int64_t(now());
    std::error_code end;
    for (fs::directory_iterator at(folder, end), last; !end && at != last; at.increment(end))
        seconds = std::max(seconds, seconds_of(at->path().filename().string()) + 1);
    return seconds;
}

std::string host_name() {
    char name[256] = {};
    if (::gethostname(name, sizeof name - 1) != 0 || !*name) return "localhost";
    std::replace(name, name + std::strlen(name), '/', '_');
    return name;
}

}  // namespace

EventFile::EventFile(const fs::path& folder, int64_t last_step) {
    open(folder);
    add(version_event(now()));
    add(start_event(now(), last_step + 1));
    opening_ = buffer_.size();
    flush();
}

EventFile::~EventFile() {
    flush();
    if (descriptor_ >= 0) ::close(descriptor_);
}

void EventFile::open(const fs::path& folder) {
    path_ = folder / fmt::format("{}{:0{}}.{}.{}", prefix, seconds_after_others(folder), digits_of_seconds, host_name(),
                                 ::getpid());
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
    if (descriptor_ < 0) tell_once();
}

void EventFile::tell_once() {
    if (!noted_)
        note(fmt::format("cannot write '{}' ({}); the run continues, and its curves lack what is not written",
                         path_.string(), std::strerror(errno)));
    noted_ = true;
}

void EventFile::add(const std::string& event) {
    if (descriptor_ < 0) return;
    buffer_ += event_record(event);
    if (buffer_.size() >= largest_buffer) flush();
}

void EventFile::scalar(const std::string& tag, double value, int64_t step) {
    add(scalar_event(now(), step, tag, value));
}

void EventFile::flush() {
    if (descriptor_ < 0) return;
    for (size_t done = 0; done < buffer_.size();) {
        const ssize_t n = ::write(descriptor_, buffer_.data() + done, buffer_.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            tell_once();
            // Half a record would hide all that follow it.
            if (::ftruncate(descriptor_, off_t(whole_)) != 0) {
                ::close(descriptor_);
                descriptor_ = -1;
            }
            buffer_.resize(whole_ == 0 ? opening_ : 0);  // no file without the events that open it
            return;
        }
        done += size_t(n);
    }
    whole_ += int64_t(buffer_.size());
    buffer_.clear();
}

void EventFile::sync() {
    flush();
    if (descriptor_ < 0) return;
    if (::fsync(descriptor_) != 0) tell_once();
    sync_folder(path_.parent_path());
}

}  // namespace gradus
