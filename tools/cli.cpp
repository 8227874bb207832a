#include "tools/cli.h"

#include <omp.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "engine/base/threads.h"
#include "engine/base/write_error.h"
#include "engine/config.h"

namespace gradus {

namespace {

// 16777216 → 2^24
std::string text_of_limit(uint64_t n) {
    for (int bits = 16; bits < 64; ++bits)
        if (n == uint64_t(1) << bits) return fmt::format("2^{}", bits);
    return n == UINT64_MAX ? "2^64 - 1" : n == INT64_MAX ? "2^63 - 1" : std::to_string(n);
}

// The text as a number; empty if it is not one.
template <class Number>
std::optional<Number> parsed(const std::string& text) {
    Number number{};
    const char* const end = text.data() + text.size();
    const auto [stopped, problem] = std::from_chars(text.data(), end, number);
    if (problem != std::errc() || stopped != end) return std::nullopt;
    return number;
}

// Digits, with a minus sign if negative; 1e3 becomes 1000.
std::string as_digits(const std::string& text) {
    const std::optional<double> number = parsed<double>(text);
    if (!number || text.find_first_of("eE") == std::string::npos || std::abs(*number) > 9e15 ||
        *number != std::floor(*number))
        return text;
    return fmt::format("{:.0f}", *number);
}

}  // namespace

CLI::Validator whole_between(int64_t least, uint64_t most) {
    const std::string limits = fmt::format("{} to {}", least, text_of_limit(most));
    return CLI::Validator(
        [least, most, limits](std::string& text) {
            const std::string digits = as_digits(text);
            const bool negative = digits.starts_with("-");
            const std::optional<int64_t> low = parsed<int64_t>(digits);
            const std::optional<uint64_t> high = parsed<uint64_t>(digits);
            const bool good =
                negative ? low && *low >= least : high && (least < 0 || *high >= uint64_t(least)) && *high <= most;
            if (!good) return fmt::format("'{}' is not a whole number from {}", text, limits);
            text = digits;
            return std::string();
        },
        limits);
}

CLI::Validator number_between(double least, double most) {
    const std::string limits = std::isinf(most) ? fmt::format("from {}", least) : fmt::format("{} to {}", least, most);
    return CLI::Validator(
        [least, most, limits](std::string& text) {
            const std::optional<double> number = parsed<double>(text);
            if (number && *number >= least && *number <= most && std::isfinite(*number)) return std::string();
            return fmt::format("'{}' is not a number {}{}", text, std::isinf(most) ? "" : "from ", limits);
        },
        limits);
}

namespace {

CLI::Validator one_of_choices(const std::vector<Choice>& choices) {
    std::vector<std::string> words;
    for (const Choice& c : choices) words.push_back(c.name);
    const std::string list = fmt::format("{}", fmt::join(words, ", "));
    return CLI::Validator(
        [choices, words, list](std::string& text) {
            if (std::count(words.begin(), words.end(), text)) return std::string();
            const std::string near = choice_meant(text, choices);
            return fmt::format("'{}' is not one of {}{}", text, list,
                               near.empty() ? "" : std::string(meant_mark) + near);
        },
        fmt::format("{{{}}}", fmt::join(words, ",")));
}

}  // namespace

CLI::Validator one_of_words(const std::vector<std::string>& words) {
    std::vector<Choice> choices;
    for (const std::string& w : words) choices.push_back({w});
    return one_of_choices(choices);
}

CLI::Validator one_of_setting(const std::string& key) {
    Config defaults;
    for (const DeclaredSetting& s : declared(defaults))
        if (s.key == key) return one_of_choices(s.limits.choices);
    check_failed("a setting of pre-training", __FILE__, __LINE__, key);
}

void add_set_option(CLI::App& app, std::vector<std::string>& assignments, const std::string& overridden) {
    app.add_option("--set", assignments,
                   "key=value, overrides " + overridden + "; may be repeated; the same as --key=value")
        ->allow_extra_args(false);
}

void add_text_key_option(CLI::App& app, std::string& text_key) {
    app.add_option("--text-key", text_key, "key of the text in a line of .jsonl")->capture_default_str();
}

void add_threads_option(CLI::App& app, int& threads) {
    app.add_option("--threads", threads, "CPU threads; 0: one per core")
        ->transform(whole_between(0, 4096))
        ->capture_default_str();
}

void use_threads(int threads) {
    if (threads > 0) omp_set_num_threads(threads);
    require_threads(omp_get_max_threads());
}

int threads_in_use() { return omp_get_max_threads(); }

void add_dtype_option(CLI::App& app, std::string& dtype) {
    app.add_option("--dtype", dtype, "dtype of weights and activations: f32 or bf16")
        ->check(one_of_setting("train.dtype"))
        ->capture_default_str();
}

DType parse_dtype(const std::string& dtype) { return dtype == "bf16" ? DType::bf16 : DType::f32; }

Error unwritten_output() {
    const int problem = errno;
    return Error("standard output cannot be written", std::strerror(problem),
                 problem == ENOSPC  ? "write it to a disk with free space: > FILE"
                 : problem == EPIPE ? "let the program after the pipe read to the end, or write to a file: > FILE"
                                    : advice_on_writing(problem, "FILE"));
}

}  // namespace gradus
