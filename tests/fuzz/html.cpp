// A page in HTML: its tree is a tree, its text is UTF-8 and no longer than the page can make it.
#include "data/extract_html.h"
#include "data/html_tree.h"
#include "data/text.h"
#include "tests/fuzz/reading.h"

using namespace gradus;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string page = repair_utf8(fuzzing::as_text(data, size));
    const HtmlTree tree(page);
    fuzzing::require(tree.refused().empty() || tree.size() == 0);
    for (int i = 0; i < tree.size(); ++i) {
        fuzzing::require(tree.end(i) > i && tree.end(i) <= tree.size());
        const int parent = tree.parent(i);
        fuzzing::require(i == 0 ? parent == -1 : parent >= 0 && parent < i && tree.end(i) <= tree.end(parent));
    }
    const Extraction extraction = extract_html(page);
    fuzzing::require(is_valid_utf8(extraction.text));
    fuzzing::require(extraction.text.size() <= 64 * page.size() + 64);
    return 0;
}
