#include "engine/base/event_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>

#include "engine/base/event_record.h"

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

EventFile::~EventFile() { flush(); }

void EventFile::open(const fs::path& folder) {
    path_ = folder / fmt::format("{}{:0{}}.{}.{}", prefix, seconds_after_others(folder), digits_of_seconds, host_name(),
                                 ::getpid());
    file_ = AppendFile(path_, O_EXCL);
    if (!file_.is_open()) file_.tell_once();
}

void EventFile::add(const std::string& event) {
    if (!file_.is_open()) return;
    buffer_ += event_record(event);
    if (buffer_.size() >= largest_buffer) flush();
}

void EventFile::scalar(const std::string& tag, double value, int64_t step) {
    add(scalar_event(now(), step, tag, value));
}

void EventFile::flush() {
    if (file_.append(buffer_)) buffer_.clear();
    else
        buffer_.resize(file_.bytes() == 0 ? std::min(opening_, buffer_.size())
                                          : 0);  // every file begins with these records
}

void EventFile::sync() {
    flush();
    file_.sync();
    if (file_.is_open()) sync_folder(path_.parent_path());
}

}  // namespace gradus
