#pragma once
// report.json: what prepare did, for users and for the next run of prepare.
#include <filesystem>

#include "data/prepare.h"

namespace gradus {

void write_report(const std::filesystem::path& path, const PrepareReport& report);

// Error if it is not a report of prepare.
PrepareReport read_report(const std::filesystem::path& path);

}  // namespace gradus
