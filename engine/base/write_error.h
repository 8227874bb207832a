#pragma once
// Errors for failed writes, with advice that depends on the reason. Everything that writes files, folders and logs uses
// them.
#include <filesystem>
#include <string>

#include "engine/base/error.h"

namespace gradus {

// `problem` is errno; `path` is the file or folder that could not be written, created or renamed.
std::string advice_on_writing(int problem, const std::filesystem::path& path);

// The system's message for errno; for a full disk also its free space.
std::string reason_of(int problem, const std::filesystem::path& path);

// "cannot write 'PATH'", the reason, the advice.
Error write_error(const std::filesystem::path& path, int problem, const std::string& what = "cannot write");

}  // namespace gradus
