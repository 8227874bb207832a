// A line of a .jsonl file: the fast parser and the scanner behind it agree, and what is read can be written and read again.
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "data/json_line.h"
#include "data/json_scan.h"
#include "data/text.h"

using namespace gradus;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view line(reinterpret_cast<const char*>(data), size);
    BadLine bad;
    const auto text = text_of_json_line(line, "text", bad);
    const std::string repaired = repair_utf8(line);
    const JsonScan scan = scan_json(repaired, "text");
    require(text.has_value() == (scan.valid && scan.is_object && scan.is_string));
    require(scan.text.size() <= 3 * line.size());
    require(is_valid_utf8(scan.text) && is_valid_utf8(scan.keys));
    // nlohmann's parser ends at a NUL and skips a byte order mark.
    const bool plain = repaired.find('\0') == std::string::npos && !repaired.starts_with("\xEF\xBB\xBF");
    if (plain && nlohmann::json::accept(repaired)) require(scan.valid);
    if (!text) {
        require(!bad.cause.empty() && bad.column >= 1 && bad.column <= repaired.size() + 1);
        return 0;
    }
    require(*text == scan.text);
    std::string again;
    append_json_line(again, *text, "source");
    require(fits_json_line(*text, "source", again.size() + 40));
    require(text_of_json_line(again, "text", bad) == *text);
    require(text_of_json_line(again, "source", bad) == "source");
    return 0;
}
