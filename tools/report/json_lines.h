#pragma once
// Reads files of JSON that a run may still write, or that were damaged: what cannot be read is left out.
#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "engine/base/file.h"

namespace gradus {

using ReportJson = nlohmann::ordered_json;

// Calls each(object) for every line that is a JSON object; returns the number of other lines. A last line without a line feed
// is still being written, and does not count.
int64_t for_each_line(const fs::path& file, const std::function<void(const ReportJson&)>& each);

// A member of that type; NaN, "" or nothing where there is none. Non-finite numbers are null in JSON, and so NaN here.
double json_number(const ReportJson& object, const char* key);
std::string json_string(const ReportJson& object, const char* key);
// A number of steps below 10^15.
std::optional<int64_t> json_step(const ReportJson& object);

// The whole file; null where there is none, discarded where it is not JSON.
ReportJson read_json(const fs::path& file);

bool is_file(const fs::path&);

}  // namespace gradus
