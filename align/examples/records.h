#pragma once
// The JSON objects of a file: one per line (.jsonl), or the items of one array (.json, as Label Studio exports it),
// plain or compressed (data/byte_source.h).
//
// Ill-formed UTF-8 and escapes of half a surrogate pair become U+FFFD; a byte order mark and blank lines are skipped.
// Errors: a file that cannot be read, that is truncated inside its compressed data, or that is UTF-16.
#include <cstdint>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "data/byte_source.h"
#include "engine/base/file.h"

namespace gradus {

struct Record {
    nlohmann::json object;
    std::string problem;  // why there is no object; empty: there is one
    std::string place;    // "file.jsonl:12", "file.json[3]", with a column where that is known
};

class RecordReader {
public:
    static constexpr size_t longest_line = size_t(64) << 20, longest_array = size_t(1) << 30;

    explicit RecordReader(const fs::path& path);
    bool next(Record& record);  // false at the end

private:
    bool next_line(std::string& line, size_t limit);
    void read_array(std::string text);

    fs::path path_;
    std::unique_ptr<ByteSource> source_;
    std::string buffer_;
    size_t at_ = 0;
    int64_t line_ = 0;
    bool too_long_ = false;  // the line that was read last
    bool read_any_ = false, is_array_ = false;
    nlohmann::json items_;
    size_t next_item_ = 0;
};

// Parses one JSON text, repaired as above.
Record parse_record(std::string_view text, const std::string& place);

}  // namespace gradus
