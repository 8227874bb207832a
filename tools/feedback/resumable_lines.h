#pragma once
// The output of a long command: JSON lines of the items 0, 1, 2, … of its input, on the disk when flush() returns.
//
//   {…, "item": 17, "made_by": {"judge": "runs/sft", "seed": 1, "inputs": "9c0e…"}}
//
// The same command continues after the last line. An item may have no line, if nothing could be made of it.
#include <optional>

#include <nlohmann/json.hpp>

#include "align/collect/line_file.h"

namespace gradus {

class ResumableLines {
public:
    // Error for a file that is not of these items, or was made with another `made_by`: it names what differs.
    ResumableLines(const fs::path& path, nlohmann::ordered_json made_by, size_t items);

    const std::vector<nlohmann::json>& lines() const { return lines_; }  // that are present
    size_t next() const { return next_; }                                // the first item after them
    // Adds "item" and "made_by" to a line. flush() writes those that were appended together, since a disk takes its time
    // for each write.
    void append(size_t item, nlohmann::ordered_json line);
    void flush();

private:
    LineFile file_;
    nlohmann::ordered_json made_by_;
    std::vector<nlohmann::json> lines_;
    size_t next_ = 0;
    std::string pending_;
};

}  // namespace gradus
