#include "data/prepared_folder.h"

#include <string>

namespace gradus {

namespace fs = std::filesystem;

fs::path documents_of(const fs::path& folder, const char* split) {
    return folder / (std::string(split) + ".jsonl.zst");
}

fs::path report_of(const fs::path& folder) { return folder / "report.json"; }

bool is_prepared(const fs::path& folder) {
    std::error_code failure;
    return fs::is_regular_file(report_of(folder), failure) &&
           fs::is_regular_file(documents_of(folder, "train"), failure);
}

bool is_prepared_file(const fs::path& file) {
    for (const char* split : prepared_splits)
        if (file == documents_of(file.parent_path(), split)) return is_prepared(file.parent_path());
    return false;
}

}  // namespace gradus
