// Main-text extraction scored on real web pages: an evaluation set of pages with text to keep and text to drop.
//
//   GRADUS_EXTRACTION_PAGES   a folder with the unpacked pages; segments.json is read from ../shared/data/extraction
//
// Precision, recall and F are over segments, as the set's own evaluation counts them: a `with` segment found in the
// text is a true positive, one that is missing a false negative, a `without` segment found a false positive. White
// space is made equal on both sides first.
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "data/extract_html.h"
#include "data/text.h"
#include "engine/base/file.h"

using namespace gradus;

TEST_CASE("extraction keeps and drops the segments that annotators marked on real pages") {
    const char* folder = std::getenv("GRADUS_EXTRACTION_PAGES");
    const fs::path segments = fs::path(GRADUS_ROOT) / "../shared/data/extraction/segments.json";
    if (!folder || !fs::exists(segments)) {
        WARN("skipped: GRADUS_EXTRACTION_PAGES does not name a folder of pages, or there is no " << segments);
        return;
    }
    int64_t found = 0, missed = 0, wrong = 0, right = 0, pages = 0;
    double seconds = 0;
    const auto json = nlohmann::json::parse(read_file(segments));
    for (const auto& [name, entry] : json.items()) {
        const fs::path path = fs::path(folder) / entry["file"].get<std::string>();
        if (!fs::exists(path)) continue;
        const std::string bytes = read_file(path);
        const auto start = std::chrono::steady_clock::now();
        const Extraction page = extract_page(bytes, Markup::html);
        seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        ++pages;
        const std::string text = with_single_spaces(page.text);
        auto has = [&](const nlohmann::json& segment) {
            return text.find(with_single_spaces(segment.get<std::string>())) != std::string::npos;
        };
        for (const auto& segment : entry["with"]) has(segment) ? ++found : ++missed;
        for (const auto& segment : entry["without"]) has(segment) ? ++wrong : ++right;
    }
    REQUIRE(pages > 0);
    const double precision = double(found) / double(found + wrong), recall = double(found) / double(found + missed);
    const double f = 2 * precision * recall / (precision + recall);
    WARN(pages << " pages: precision " << precision << ", recall " << recall << ", F " << f << "; "
               << double(pages) / seconds << " pages/s");
    REQUIRE(f >= 0.895);
}
