#include "align/examples/records.h"

#include <algorithm>

#include "align/examples/fields.h"
#include "data/text.h"
#include "engine/base/error.h"
#include "engine/base/json_text.h"

namespace gradus {

namespace {

constexpr size_t bytes_at_once = 1 << 20;

// The 16 bits of an escape like \u00e9 at that place; -1: there is none.
int escaped_unit(std::string_view text, size_t at) {
    if (text.size() < at + 6 || text[at] != '\\' || text[at + 1] != 'u') return -1;
    int unit = 0;
    for (size_t i = at + 2; i < at + 6; ++i) {
        const char c = text[i];
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0) return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

// Escapes of half a surrogate pair become \ufffd; the text has the same length.
std::string without_half_pairs(std::string text) {
    const auto is_in = [](int unit, int first) { return unit >= first && unit < first + 0x400; };
    for (size_t at = text.find('\\'); at != text.npos && at + 1 < text.size(); at = text.find('\\', at)) {
        const int unit = escaped_unit(text, at);
        if (is_in(unit, 0xD800) && is_in(escaped_unit(text, at + 6), 0xDC00)) at += 12;
        else if (is_in(unit, 0xD800) || is_in(unit, 0xDC00)) text.replace(at, 6, "\\ufffd"), at += 6;
        else at += 2;
    }
    return text;
}

}  // namespace

Record parse_record(std::string_view text, const std::string& place) {
    Record record;
    record.place = place;
    std::string repaired;
    if (!is_valid_utf8(text)) text = repaired = repair_utf8(text);
    JsonText json = try_parse_json(text, JsonKeys::any);
    if (!json.problem.empty()) json = try_parse_json(without_half_pairs(std::string(text)), JsonKeys::any);
    if (!json.problem.empty()) {
        record.problem = "it is not JSON: " + json.reason;
        if (json.column > 0) record.place += ":" + std::to_string(json.column);
    } else if (!json.value.is_object()) {
        record.problem = "it is " + described(json.value) + ", where an object must be";
    }
    record.object = std::move(json.value);
    return record;
}

RecordReader::RecordReader(const fs::path& path) : path_(path), source_(open_bytes(path)) {}

bool RecordReader::next_line(std::string& line, size_t limit) {
    line.clear();
    too_long_ = false;
    bool ended = false, any = false;
    while (!ended) {
        if (at_ == buffer_.size()) {
            buffer_.resize(bytes_at_once);
            buffer_.resize(source_->read(buffer_.data(), bytes_at_once));
            at_ = 0;
            if (buffer_.empty()) break;
        }
        any = true;
        const size_t newline = std::min(buffer_.find('\n', at_), buffer_.size());
        ended = newline < buffer_.size();
        const size_t room = limit - line.size();
        too_long_ = too_long_ || newline - at_ > room;
        line.append(buffer_, at_, std::min(newline - at_, room));
        at_ = newline + (ended ? 1 : 0);
    }
    line_ += any;
    return any;
}

void RecordReader::read_array(std::string text) {
    is_array_ = true;
    const std::string name = path_.string();
    for (std::string line; next_line(line, longest_array - std::min(text.size(), longest_array));) {
        if (too_long_ || text.size() + line.size() >= longest_array)
            throw Error("'" + name + "' is too large", "it is one JSON array of more than 1 GiB",
                        "write one object per line: jq -c '.[]' " + name + " > examples.jsonl");
        (text += '\n') += line;
    }
    if (!is_valid_utf8(text)) text = repair_utf8(text);
    JsonText json = try_parse_json(text, JsonKeys::any);
    if (!json.problem.empty()) json = try_parse_json(without_half_pairs(std::move(text)), JsonKeys::any);
    if (!json.problem.empty())
        throw Error("'" + name + "' cannot be read", "it begins as a JSON array, and is not JSON: " + json.problem,
                    "correct it, or write one object per line (.jsonl)");
    items_ = std::move(json.value);
}

bool RecordReader::next(Record& record) {
    std::string line;
    while (!is_array_) {
        if (!next_line(line, read_any_ ? longest_line : longest_array)) return false;
        const std::string place = path_.string() + ":" + std::to_string(line_);
        if (line_ == 1 && (line.starts_with("\xFF\xFE") || line.starts_with("\xFE\xFF")))
            throw Error("'" + path_.string() + "' is not UTF-8", "it begins with the byte order mark of UTF-16",
                        "iconv -f UTF-16 -t UTF-8 " + path_.string() + " > utf8.jsonl");
        if (line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
        const std::string_view content = trimmed(line);
        if (content.empty()) continue;
        if (!read_any_ && content.front() == '[') {
            read_array(std::move(line));
            break;
        }
        read_any_ = true;
        if (too_long_ || line.size() > longest_line) {
            record = {{}, "the line is longer than " + std::to_string(longest_line) + " bytes", place};
            return true;
        }
        record = parse_record(line, place);
        return true;
    }
    if (next_item_ >= items_.size()) return false;
    record = {std::move(items_[next_item_]), "", path_.string() + "[" + std::to_string(next_item_) + "]"};
    ++next_item_;
    if (!record.object.is_object()) record.problem = "it is " + described(record.object) + ", where an object must be";
    return true;
}

}  // namespace gradus
