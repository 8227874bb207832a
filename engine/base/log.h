#pragma once
// The output of a run: JSON lines for programs, one line of fixed columns for people, a progress line for long work.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "engine/base/append_file.h"

namespace gradus {

// A file of JSON objects, one per line, each with an integer "step". Every line is written to the file at once, so that
// a killed process loses none. Once the file is open, no failure to write ends the run (engine/base/append_file.h).
class JsonLines {
public:
    // Opens the file to append. Lines of a step above last_step are removed first, and so is an incomplete line at the
    // end: a resumed run writes them again, so the file has each step once. Error when it cannot be written.
    JsonLines(const fs::path& path, int64_t last_step);

    void write(const nlohmann::ordered_json& line);
    void sync();  // to the disk, before a checkpoint that relies on these lines
    // Removes the lines of later steps, as opening does. If that fails, a note says so and the lines stay.
    void remove_after(int64_t last_step);

private:
    fs::path path_;
    AppendFile file_;
};

// step   120/5000  loss 4.0312  grad   0.87  lr 3.00e-04    412 ms   159k tok/s    46.1 GFLOP/s  left 33m
struct StepLine {
    int64_t step = 0, steps = 0;  // steps done, steps in all
    double loss = 0, grad_norm = 0, lr = 0;
    double seconds = 0;  // of this step
    double tokens_per_second = 0, flops_per_second = 0;
    double seconds_left = 0;
};
std::string text_of(const StepLine&);

// 0.41 → "410 ms", 75 → "1m15s", 8000 → "2h13m"
std::string text_of_seconds(double seconds);
// 1234567 → "1.23M", 950 → "950"
std::string text_of_count(double count);
// 1234567 → "1,234,567"
std::string text_of_whole(int64_t n);
// 1536 MiB → "1,536.0"
std::string text_of_mib(size_t bytes);

bool is_terminal(std::FILE*);

// Messages for people: on standard output, or after "note: " on standard error. Neither ever fails: a closed pipe or a
// full disk must not end a run. When standard output can no longer be written, a note says so once and further output
// is dropped. Unprintable text is replaced (engine/base/one_line.h).
void tell(std::string_view text);
void note(std::string_view text);
// Silences both, and every ProgressLine: for all ranks but the one that prints.
void silence_output();
bool prints_output();

// A progress line that is rewritten in place where stderr is a terminal, and silent elsewhere.
class ProgressLine {
public:
    explicit ProgressLine(std::string what = "");
    ~ProgressLine();  // clears the line
    // "what: 12 windows of 40 (30%)  left 5 s"; total 0: unknown
    void update(double done, double total, const std::string& unit);
    // Any other text.
    void show(const std::string& text);
    void clear();

private:
    using Clock = std::chrono::steady_clock;
    bool is_due() const;

    std::string what_;
    Clock::time_point start_ = Clock::now(), shown_ = {};
    bool visible_ = false;
};

}  // namespace gradus
