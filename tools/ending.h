#pragma once
// How the program ends after an exception: three lines and an exit status.
#include <exception>

#include "engine/base/error.h"

namespace gradus {

inline constexpr int status_error = 1, status_usage = 2, status_bug = 70;

struct UsageError : Error {
    using Error::Error;
};

struct Ending {
    Error error;
    int status;
};
Ending ending_of(std::exception_ptr);

}  // namespace gradus
