#include "engine/base/log.h"

#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "engine/base/one_line.h"
#include "engine/base/write_error.h"

namespace gradus {

namespace {

bool belongs_before(std::string_view line, int64_t last_step) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object()) return false;
    const auto step = json.find("step");
    return step != json.end() && step->is_number_integer() && step->get<int64_t>() <= last_step;
}

// The lines to keep; the same text when there is nothing to drop.
std::string lines_until(const std::string& text, int64_t last_step) {
    std::string kept;
    for (size_t start = 0; start < text.size();) {
        const size_t end = text.find('\n', start);
        if (end == std::string::npos) break;  // an incomplete line: the process was killed while writing it
        if (belongs_before(std::string_view(text).substr(start, end - start), last_step))
            kept.append(text, start, end + 1 - start);
        start = end + 1;
    }
    return kept;
}

}  // namespace

JsonLines::JsonLines(const fs::path& path, int64_t last_step) : path_(path) {
    std::error_code problem;
    if (fs::exists(path, problem)) {
        const std::string text = read_file(path), kept = lines_until(text, last_step);
        if (!text.starts_with(kept)) {
            write_file_atomically(path, kept);
        } else if (kept.size() < text.size()) {  // truncating works on a full disk
            fs::resize_file(path, kept.size(), problem);
            if (problem) throw write_error(path, problem.value());
        }
    }
    file_ = AppendFile(path, 0);
    if (!file_.is_open()) throw write_error(path_, errno);
}

void JsonLines::remove_after(int64_t last_step) {
    try {
        *this = JsonLines(path_, last_step);
    } catch (const Error& e) {
        note(fmt::format("{} ({}); the run continues, and repeated steps are in it twice", e.what(), e.cause));
    }
}

void JsonLines::write(const nlohmann::ordered_json& line) {
    // Sampled text may end inside a character; a replacement character is better than no line.
    file_.append(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

void JsonLines::sync() { file_.sync(); }

std::string text_of_seconds(double seconds) {
    if (!(seconds >= 0) || seconds > 1e9) return "?";
    if (seconds < 0.9995) return fmt::format("{:.0f} ms", seconds * 1e3);
    if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
    const auto s = int64_t(std::llround(seconds));
    if (s < 60) return fmt::format("{} s", s);
    if (s < 3600) return fmt::format("{}m{:02}s", s / 60, s % 60);
    if (s < 86400) return fmt::format("{}h{:02}m", s / 3600, s / 60 % 60);
    return fmt::format("{}d{:02}h", s / 86400, s / 3600 % 24);
}

std::string text_of_count(double count) {
    for (auto [unit, letter] : {std::pair{1e12, 'T'}, {1e9, 'G'}, {1e6, 'M'}, {1e3, 'k'}}) {
        const double n = count / unit;
        if (n >= 99.95) return fmt::format("{:.0f}{}", n, letter);
        if (n >= 9.995) return fmt::format("{:.1f}{}", n, letter);
        if (n >= 0.9995) return fmt::format("{:.2f}{}", n, letter);
    }
    return fmt::format("{:.0f}", count);
}

std::string text_of_whole(int64_t n) {
    const std::string digits = fmt::format("{}", n);
    std::string text;
    for (size_t i = 0; i < digits.size(); ++i) {
        if (i > 0 && digits[i - 1] != '-' && (digits.size() - i) % 3 == 0) text += ',';
        text += digits[i];
    }
    return text;
}

std::string text_of_mib(size_t bytes) {
    const auto tenths = int64_t(std::llround(double(bytes) / double(1 << 20) * 10));
    return fmt::format("{}.{}", text_of_whole(tenths / 10), tenths % 10);
}

std::string text_of(const StepLine& s) {
    const std::string steps = std::to_string(s.steps);
    const std::string time =
        s.seconds < 10 ? fmt::format("{:.0f} ms", s.seconds * 1e3) : fmt::format("{:.1f} s", s.seconds);
    return fmt::format(
        "step {:>{}}/{}  loss {:7.4f}  grad {:7.3f}  lr {:.2e}  {:>8}  {:>5} tok/s  {:>7.1f} GFLOP/s  left {}", s.step,
        steps.size(), steps, s.loss, s.grad_norm, s.lr, time, text_of_count(s.tokens_per_second),
        s.flops_per_second * 1e-9, text_of_seconds(s.seconds_left));
}

bool is_terminal(std::FILE* file) { return ::isatty(::fileno(file)) == 1; }

namespace {
bool is_silent = false;
}

void silence_output() { is_silent = true; }
bool prints_output() { return !is_silent; }

void tell(std::string_view text) {
    static bool told = true;
    if (!told || is_silent) return;
    const std::string shown = printable(text);
    told = std::fwrite(shown.data(), 1, shown.size(), stdout) == shown.size() && std::fflush(stdout) == 0;
    if (told) return;
    note(fmt::format("standard output cannot be written ({}); the run continues without it", std::strerror(errno)));
    // Also discards the buffer, which would otherwise be written again at exit.
    if (!std::freopen("/dev/null", "w", stdout)) std::clearerr(stdout);
}

void note(std::string_view text) {
    if (is_silent) return;
    std::fputs(("note: " + on_one_line(text) + "\n").c_str(), stderr);
}

ProgressLine::ProgressLine(std::string what)
    : what_(std::move(what)), visible_(is_terminal(stderr) && prints_output()) {}

ProgressLine::~ProgressLine() { clear(); }

void ProgressLine::clear() {
    if (visible_ && shown_ != Clock::time_point{}) std::fputs("\r\033[K", stderr);
}

bool ProgressLine::is_due() const {
    using namespace std::chrono_literals;
    return visible_ && Clock::now() - shown_ >= 200ms;
}

void ProgressLine::show(const std::string& text) {
    if (!is_due()) return;
    shown_ = Clock::now();
    std::fputs(("\r\033[K" + on_one_line(text)).c_str(), stderr);
    std::fflush(stderr);
}

void ProgressLine::update(double done, double total, const std::string& unit) {
    if (!is_due()) return;
    const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    std::string line = fmt::format("{}: {} {}", what_, text_of_count(done), unit);
    if (total > 0) line += fmt::format(" of {} ({:.0f}%)", text_of_count(total), 100 * done / total);
    if (total > 0 && done > 0) line += "  left " + text_of_seconds(seconds * (total - done) / done);
    show(line);
}

}  // namespace gradus
