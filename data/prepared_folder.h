#pragma once
// The layout of a folder written by `gradus data prepare` (prepare.h describes its files).
#include <filesystem>

namespace gradus {

inline constexpr const char* prepared_splits[] = {"train", "val"};

// FOLDER/train.jsonl.zst
std::filesystem::path documents_of(const std::filesystem::path& folder, const char* split);
// FOLDER/report.json
std::filesystem::path report_of(const std::filesystem::path& folder);

// Whether the folder has a report and training documents.
bool is_prepared(const std::filesystem::path& folder);
// Whether the file is the documents of a prepared folder, by its name and the files next to it.
bool is_prepared_file(const std::filesystem::path& file);

}  // namespace gradus
