// A page in XHTML: by the rules of XML, or rewritten for those of HTML. Its entities make it at most ten times as long.
#include "data/xhtml.h"
#include "data/extract_html.h"
#include "data/html_tree.h"
#include "data/text.h"
#include "tests/fuzz/reading.h"

using namespace gradus;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string page = repair_utf8(fuzzing::as_text(data, size));
    const HtmlTree tree(page, {}, Markup::xml);
    fuzzing::require(tree.refused().empty() || tree.size() == 0);
    for (int i = 0; i < tree.size(); ++i) {
        fuzzing::require(tree.end(i) > i && tree.end(i) <= tree.size());
        const int parent = tree.parent(i);
        fuzzing::require(i == 0 ? parent == -1 : parent >= 0 && parent < i && tree.end(i) <= tree.end(parent));
    }
    const Extraction extraction = extract_html(page, Markup::xml);
    fuzzing::require(is_valid_utf8(extraction.text));
    fuzzing::require(extraction.text.size() <= 640 * page.size() + (4 << 20));
    fuzzing::require(xml_written_as_html(page).size() <= 5 * page.size() + 5);
    declares_xhtml(page);
    return 0;
}
