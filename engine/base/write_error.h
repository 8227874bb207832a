#pragma once
// Errors for failed writes, with advice that depends on the reason. The only place that knows it: everything that writes files,
// folders and logs uses it.
#include <filesystem>
#include <string>

#include "engine/base/error.h"

namespace gradus {

// `problem` is errno; `path` what was to be written, made or renamed.
std::string advice_on_writing(int problem, const std::filesystem::path& path);

// The reason in the system's words; where the disk is full, with what is free on it.
std::string reason_of(int problem, const std::filesystem::path& path);

// "cannot write 'PATH'", the reason, the advice.
Error write_error(const std::filesystem::path& path, int problem, const std::string& what = "cannot write");

}  // namespace gradus
