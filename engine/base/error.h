#pragma once
// Two kinds of failure.
//
//   Error   something the user can act on: a file, a setting, a shape that follows from a setting, memory. It carries
//           what happened, the cause (with the user's file, line and column where there is one) and a fix to type.
//   CHECK   a bug: an invariant of this program is broken. It carries a location in this source.
//
// Only tools/ catches. A message starts in lower case, has no full stop and quotes the user's value.
#include <stdexcept>
#include <string>
#include <utility>

namespace gradus {

struct Error : std::runtime_error {
    Error(const std::string& what, std::string cause_of_it, std::string fix_to_type)
        : std::runtime_error(what), cause(std::move(cause_of_it)), fix(std::move(fix_to_type)) {}

    std::string cause, fix;

    // The three lines a user sees, in printable UTF-8 whatever bytes the quoted names contain.
    std::string text() const;
};

struct InternalError : std::logic_error {
    using std::logic_error::logic_error;
};

[[noreturn]] inline void check_failed(const char* condition, const char* file, int line, const std::string& detail) {
    throw InternalError(std::string(file) + ":" + std::to_string(line) + ": " + condition +
                        (detail.empty() ? "" : ": " + detail));
}

}  // namespace gradus

#define GRADUS_CHECK_PICK(_1, _2, name, ...) name
#define GRADUS_CHECK_PLAIN(condition)                                                 \
    do {                                                                              \
        if (!(condition)) ::gradus::check_failed(#condition, __FILE__, __LINE__, ""); \
    } while (0)
#define GRADUS_CHECK_DETAIL(condition, detail)                                              \
    do {                                                                                    \
        if (!(condition)) ::gradus::check_failed(#condition, __FILE__, __LINE__, (detail)); \
    } while (0)
// CHECK(condition) or CHECK(condition, detail): always on, in every build. It replaces the test framework's macro of
// the same name.
#undef CHECK
#define CHECK(...) GRADUS_CHECK_PICK(__VA_ARGS__, GRADUS_CHECK_DETAIL, GRADUS_CHECK_PLAIN, unused)(__VA_ARGS__)
