#include <catch2/catch.hpp>

#include "data/extract_html.h"
#include "data/html_tree.h"

using namespace gradus;

namespace {

std::string text_of(std::string_view html) { return extract_html(html).text; }

const std::string prose = "This paragraph is long enough to be the text of a page, and it has no links at all in it. ";

}  // namespace

TEST_CASE("blocks are separated by a blank line and white space collapses") {
    REQUIRE(text_of("<h1>Title</h1>\n<p>One\n  two&nbsp; <b>three</b>.<p>Four<br>five") ==
            "Title\n\nOne two three.\n\nFour\nfive\n");
    REQUIRE(text_of("<p>a<span> b</span>c</p><div><div>d</div></div>") == "a bc\n\nd\n");
    REQUIRE(text_of("<p>&lt;p&gt; &amp; &eacute; &#x1F600; 東京") == "<p> & é 😀 東京\n");
    REQUIRE(text_of("").empty());
}

TEST_CASE("lists keep their markers and their nesting") {
    REQUIRE(text_of("<p>Buy:<ul><li>milk<li>fruit<ul><li>pears<li>plums</ul><li>bread</ul>") ==
            "Buy:\n\n- milk\n- fruit\n  - pears\n  - plums\n- bread\n");
    REQUIRE(text_of("<ol start=3><li><p>c</p><p>c too</p><li>d</ol>") == "3. c\n  c too\n4. d\n");
    REQUIRE(text_of("<ul><li><script>x</script><li>only</ul>") == "- only\n");
    REQUIRE(text_of("<dl><dt>term<dd>meaning</dl>") == "term\nmeaning\n");
}

TEST_CASE("a data table becomes a line per row, a layout table becomes its blocks") {
    REQUIRE(text_of("<table><tr><th>a<th>b<tr><td>1<td><p>2</p><tr><td><td>3</table>") == "a | b\n1 | 2\n | 3\n");
    REQUIRE(text_of("<table><tr><td><h2>Head</h2>" + prose + "<td><ul><li>x</ul></table>") ==
            "Head\n\n" + prose.substr(0, prose.size() - 1) + "\n\n- x\n");
    REQUIRE(text_of("<table><tr><td><img src=x></td><th>Note</th><tr><td>Mind the gap.</table>") ==
            "Note\n\nMind the gap.\n");
}

TEST_CASE("preformatted text keeps its lines and indentation") {
    REQUIRE(text_of("<p>Code:<pre>\nif (x) {\n\t<b>y</b>();\n\n    z  z\n}\n\n</pre><p>end") ==
            "Code:\n\nif (x) {\n\ty();\n\n    z  z\n}\n\nend\n");
}

TEST_CASE("preformatted text in a table does not remove the text before it") {
    for (const std::string name : {"pre", "xmp", "listing"}) {
        INFO(name);
        REQUIRE(text_of("<p>a</p><table><tr><td><" + name + "> </" + name + "><td>b</table>") == "a\n\nb\n");
    }
}

TEST_CASE("scripts, styles, controls and hidden elements are dropped") {
    REQUIRE(text_of("<head><title>t</title><style>s{}</style></head><script>alert('<p>')</script><noscript>n</noscript>"
                    "<template>t</template><svg><text>v</text></svg><select><option>o</select><button>b</button>"
                    "<p hidden>h</p><p style='color:red; DISPLAY : none'>d</p><p aria-hidden=true>a</p><p>kept") ==
            "kept\n");
}

TEST_CASE("boilerplate is dropped by tag, role, class and id") {
    for (const char* around :
         {"<nav>NO</nav>", "<aside>NO</aside>", "<footer>NO</footer>", "<header>NO</header>", "<form><p>NO</p></form>",
          "<div role=navigation>NO</div>", "<div class='page main-menu'>NO</div>", "<div id=navHeader>NO</div>",
          "<div class=\"sidebar-left2\">NO</div>", "<div id='comments'>NO</div>"}) {
        INFO(around);
        REQUIRE(text_of(around + ("<p>" + prose) + around).find("NO") == std::string::npos);
        REQUIRE(text_of(around + ("<p>" + prose) + around).find("long enough") != std::string::npos);
    }
    // Only complete words count: "navy" is not "nav", "headline" is not "header".
    REQUIRE(text_of("<div class='navy headline commentary'>kept</div><p>" + prose).find("kept") == 0);
}

TEST_CASE("each word of a compound class name counts") {
    for (const char* name : {"userComments", "socialBox", "post-comments", "post_comments", "POST COMMENTS"})
        REQUIRE(text_of("<p>" + prose + "<div class='" + name + "'>out</div>") ==
                prose.substr(0, prose.size() - 1) + "\n");
    for (const char* name : {"commentary", "Adverb", "NAVAL"})
        REQUIRE(text_of("<p>" + prose + "<div class='" + name + "'>in</div>") ==
                prose.substr(0, prose.size() - 1) + "\n\nin\n");
}

TEST_CASE("the header of an article is kept, the header of a page is dropped") {
    for (const std::string name : {"article", "main"})
        REQUIRE(text_of("<header>site</header><" + name + "><header><h1>Title</h1></header><p>" + prose + "</p></" +
                        name + ">") == "Title\n\n" + prose.substr(0, prose.size() - 1) + "\n");
}

TEST_CASE("an id that names a chapter or a heading does not mark boilerplate") {
    REQUIRE(text_of("<p>" + prose + prose + "<div class=sect2 id=QUERIES-WITH-SEARCH><h2 id=menu>Search</h2>kept</div>")
                .find("Search\n\nkept") != std::string::npos);
}

TEST_CASE("an element with most of the page's text is never dropped because of its name") {
    REQUIRE(text_of("<div class=sidebar><p>" + prose + "</div><p>short").find("long enough") != std::string::npos);
    REQUIRE(text_of("<form><p>" + prose + "</form>").find("long enough") != std::string::npos);
}

TEST_CASE("a block that is mostly links is dropped, a link in a sentence is kept") {
    const std::string menu = "<ul><li><a href=1>First place to go</a><li><a href=2>Second place to go</a></ul>";
    REQUIRE(text_of(menu + "<p>" + prose + "<a href=3>See this</a>.").find("place to go") == std::string::npos);
    REQUIRE(text_of(menu + "<p>" + prose + "<a href=3>See this</a>.").find("See this.") != std::string::npos);
    // An anchor without href is a link target; XHTML's <a id="x"/> encloses the text after it when parsed as HTML.
    REQUIRE(text_of("<h1><a id=\"x\"/>A heading with an anchor</h1><p>" + prose).find("A heading with an anchor") == 0);
}

TEST_CASE("the main element is used if it has enough of the text") {
    const std::string page =
        "<div><p>Outside.</p></div><main><h1>Inside</h1><p>" + prose + prose + "</main><div>After.</div>";
    REQUIRE(text_of(page) == "Inside\n\n" + (prose + prose).substr(0, 2 * prose.size() - 1) + "\n");
    REQUIRE(text_of("<main>tiny</main><p>" + prose).find("long enough") != std::string::npos);
}

TEST_CASE("the navigation of DocBook manuals is dropped") {
    const std::string bar =
        "<table summary='Navigation header'><tr><td><a href=p>Prev</a><td><a href=u>Up</a><td><a "
        "href=n>Next</a></table>";
    REQUIRE(text_of("<div class=navheader>" + bar + "<hr/></div><div class=sect1><h2>8.1. Types</h2><p>" + prose +
                    "</p></div><div class=navfooter>" + bar + "</div>") ==
            "8.1. Types\n\n" + prose.substr(0, prose.size() - 1) + "\n");
}

TEST_CASE("a page nested a hundred thousand deep is refused or read, and never crashes") {
    std::string divs, spans, lists;
    for (int i = 0; i < 100'000; ++i) divs += "<div>", spans += "<b><i>", lists += "<ul><li>";
    REQUIRE(extract_html(divs + "text").refused == "nested_too_deeply");
    for (const std::string& page : {spans, lists}) REQUIRE(extract_html(page + "text").text.size() < 2 * page.size());
    std::string deep;
    for (int i = 0; i < 5000; ++i) deep += "<div>";
    REQUIRE(text_of(deep + "text") == "text\n");
    std::string unclosed;  // open tags that the parser closes by itself add no depth
    for (int i = 0; i < 100'000; ++i) unclosed += "<p>word<br>";
    REQUIRE(text_of(unclosed).size() > 400'000);
}

TEST_CASE("a page that makes the parser take too much memory is refused") {
    HtmlLimits limits;
    limits.memory = 1 << 20;
    std::string page = "<p>";
    for (int i = 0; i < 100; ++i) page += "<font color=" + std::to_string(i) + ">";
    for (int i = 0; i < 1000; ++i) page += "<p>x";
    REQUIRE(HtmlTree(page, limits).refused() == "takes_too_much_memory");
    REQUIRE(HtmlTree(page).refused().empty());
}

TEST_CASE("random markup never crashes the extraction") {
    const char* parts[] = {"<div>",
                           "</div>",
                           "<table>",
                           "<tr>",
                           "<td>",
                           "</table>",
                           "<ul>",
                           "<li>",
                           "</ul>",
                           "<pre>",
                           "</pre>",
                           "text ",
                           "<a href=x>",
                           "</a>",
                           "<b>",
                           "<p>",
                           "<br>",
                           "<svg>",
                           "<select>",
                           "<template>",
                           "<!--",
                           "-->",
                           "&amp",
                           "<script>",
                           "</script>",
                           "\n",
                           "<",
                           ">",
                           "\"",
                           "<form>",
                           "<ol start=-9999999999>",
                           "</body>",
                           "<frameset>",
                           "<math>",
                           "<xmp>",
                           "</xmp>",
                           "<listing>"};
    uint32_t state = 1;
    for (int page = 0; page < 2000; ++page) {
        std::string html;
        for (int i = 0; i < 60; ++i)
            html +=
                parts[((state = state * 1664525 + 1013904223) >> 16) % std::size(parts)] + std::string(i % 7 == 0, 'x');
        const Extraction extraction = extract_html(html);
        REQUIRE(extraction.refused.empty());
        REQUIRE(extraction.text.size() <= 40 * html.size());
        REQUIRE(extraction.text.find('\0') == std::string::npos);
    }
}
