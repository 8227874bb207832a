// Inline content: class names that look like boilerplate, code, formulas, superscripts; and elements that start a line.
#include <catch2/catch.hpp>

#include "data/extract_html.h"

using namespace gradus;

namespace {

std::string text_of(std::string_view html) { return extract_html(html).text; }

const std::string prose = "This paragraph is long enough to be the text of a page, and it has no links at all in it.";

std::string with_prose(const std::string& html) { return text_of("<p>" + prose + prose + "</p>" + html); }

}  // namespace

TEST_CASE("a class name that looks like boilerplate removes no word from a sentence") {
    for (const char* element : {"span", "abbr", "em", "b", "i", "code", "a", "mark", "my-element"})
        for (const char* name : {"tooltip", "popular", "comment", "ad", "like menu", "share-this", "modal-link"}) {
            const std::string tag = std::string("<") + element + " class='" + name + "'>";
            INFO(tag);
            const std::string end = std::string("</") + element + ">";
            REQUIRE(with_prose("<p>one " + tag + "two" + end + " three</p>").find("one two three") !=
                    std::string::npos);
            REQUIRE(with_prose("<p>" + tag + "One" + end + " two</p>").find("One two") != std::string::npos);
            REQUIRE(with_prose("<p>one <b>and</b> " + tag + "two" + end + "</p>").find("one and two") !=
                    std::string::npos);
            REQUIRE(with_prose("<li>one " + tag + "two" + end + "</li>").find("one two") != std::string::npos);
        }
    // Alone in its block it is boilerplate, and so is a row of such links.
    REQUIRE(with_prose("<div><span class=share>NO</span></div>").find("NO") == std::string::npos);
    REQUIRE(with_prose("<div><a class=share href=1>NO</a> <a class=share href=2>NO</a></div>").find("NO") ==
            std::string::npos);
    REQUIRE(
        with_prose("<h2>Head <span class=mw-editsection>[edit]</span><a class=headerlink href='#h'>¶</a></h2><p>x</p>")
            .find("Head\n\nx") != std::string::npos);
}

TEST_CASE("highlighted code keeps every piece") {
    REQUIRE(with_prose("<pre><code><span class=hljs-comment>// menu</span>\n<span class='nav tag'>x</span> = <span "
                       "class=popup>1</span>;</code></pre>")
                .find("// menu\nx = 1;") != std::string::npos);
    REQUIRE(with_prose("<pre class='comment share'>kept</pre>").find("kept") != std::string::npos);
    REQUIRE(with_prose("<p><code class=menu>kept</code></p>").find("kept") != std::string::npos);
    REQUIRE(with_prose("<div class=comments><pre>NO</pre></div>").find("NO") == std::string::npos);
}

TEST_CASE("a heading is never boilerplate because of its name") {
    for (const char* name : {"widget-title", "related", "comments", "menu"})
        REQUIRE(with_prose(std::string("<h2 class='") + name + "'>Kept</h2><p>and its text</p>").find("Kept\n\nand") !=
                std::string::npos);
}

TEST_CASE("a heading above only dropped parts or pictures is dropped, consecutive headings are kept") {
    for (const char* under : {"<div class=comments>NO</div>", "<p><img src=x></p>",
                              "<ul><li><a href=1>The first place to go to</a><li><a "
                              "href=2>And another place</a></ul>"}) {
        INFO(under);
        REQUIRE(with_prose(std::string("<h2>More</h2>") + under) == prose + prose + "\n");
        REQUIRE(with_prose(std::string("<h3>More</h3>") + under + "<h2>Next</h2><p>x") ==
                prose + prose + "\n\nNext\n\nx\n");
        REQUIRE(with_prose(std::string("<h2>More</h2>") + under + "<h3>Part</h3><p>x") ==
                prose + prose + "\n\nMore\n\nPart\n\nx\n");
    }
    REQUIRE(with_prose("<h3>One</h3><h3>Two</h3><p>x") == prose + prose + "\n\nOne\n\nTwo\n\nx\n");
    REQUIRE(with_prose("<h2>The end</h2>") == prose + prose + "\n\nThe end\n");
    REQUIRE(text_of("<h1>Title</h1><img src=x>") == "Title\n");
}

TEST_CASE("a button that is a heading is kept, other buttons are dropped") {
    REQUIRE(
        with_prose("<h3><button aria-expanded=false>Question</button></h3><p>Answer</p>").find("Question\n\nAnswer") !=
        std::string::npos);
    REQUIRE(with_prose("<button><h3>Question</h3></button><p>Answer</p>").find("Question\n\nAnswer") !=
            std::string::npos);
    REQUIRE(with_prose("<dl><dt><button>Question</button></dt><dd>Answer</dd></dl>").find("Question\nAnswer") !=
            std::string::npos);
    REQUIRE(with_prose("<details><summary><button>Question</button></summary>Answer</details>")
                .find("Question\n\nAnswer") != std::string::npos);
    REQUIRE(with_prose("<h3>Title <button>NO</button></h3><p>x</p>").find("NO") == std::string::npos);
    REQUIRE(with_prose("<p><button>NO</button></p>").find("NO") == std::string::npos);
}

TEST_CASE("every element that starts a line in a browser starts a line of text") {
    for (const std::string name :
         {"address", "article",  "blockquote", "center", "details", "dialog open", "dir",     "div",    "dl", "dt",
          "dd",      "fieldset", "figcaption", "figure", "h1",      "h6",          "hgroup",  "legend", "li", "listing",
          "main",    "ol",       "p",          "pre",    "search",  "section",     "summary", "ul",     "xmp"}) {
        INFO(name);
        const std::string end = name.substr(0, name.find(' '));
        const std::string text =
            text_of("<div>" + prose + prose + " before<" + name + ">inside</" + end + ">after</div>");
        REQUIRE(text.find("beforeinside") == std::string::npos);
        REQUIRE(text.find("insideafter") == std::string::npos);
        REQUIRE(text.find("before\n") != std::string::npos);
        REQUIRE(text.find("inside\n") != std::string::npos);
    }
    REQUIRE(text_of("<table><caption>Numbers</caption><tr><td>1<td>2</table>") == "Numbers\n\n1 | 2\n");
    REQUIRE(with_prose("<dialog>NO</dialog>").find("NO") == std::string::npos);
    REQUIRE(with_prose("<div hidden=until-found>kept</div>").find("kept") != std::string::npos);
}

TEST_CASE("superscripts and subscripts keep their meaning") {
    const char* cases[][2] = {
        {"100<sup>2</sup>", "100²"},
        {"10<sup>-6</sup> m<sup>3</sup>", "10⁻⁶ m³"},
        {"10<sup>&minus;27</sup>", "10⁻²⁷"},
        {"H<sub>2</sub>O and SO<sub>4</sub><sup>2-</sup>", "H₂O and SO₄²⁻"},
        {"<sup>14</sup>C", "¹⁴C"},
        {"2<sup>n</sup>, 2<sup><i>n</i>+1</sup>, e<sup>-x/2</sup>", "2^n, 2^(n+1), e^(-x/2)"},
        {"2<sup>2<sup>n</sup></sup>", "2^(2^n)"},
        {"A<sup>T</sup>, x<sup>max</sup>", "A^T, x^(max)"},
        {"x<sub>i</sub>, v<sub>max</sub>, a<sub>i+1</sub>", "x_i, v_max, a_(i+1)"},
        {"1<sup>st</sup> 22<sup>nd</sup> 3<sup>rd</sup> 4<sup>th</sup>", "1st 22nd 3rd 4th"},
        {"XIX<sup>e</sup>, 2<sup>e</sup>, M<sup>me</sup>, n<sup>o</sup> 5, 1<sup>a</sup>", "XIXe, 2e, Mme, no 5, 1a"},
        {"ACME<sup>TM</sup> Foo<sup>®</sup> star<sup>*</sup> 5<sup>°</sup>", "ACMETM Foo® star* 5°"},
        {"Foo<sup>beta</sup>", "Foo beta"},
        {"text<sup><a href='#fn1'>1</a></sup>.", "text[1]."},
        {"text<a href='#fn1'><sup>1</sup></a>.", "text[1]."},
        {"text<sup class=reference><a href='#n'>[12]</a></sup>", "text[12]"},
        {"text<sup><a href='#n'>*</a></sup>", "text*"},
        {"<sub>Small print that says much about nothing at all.</sub>",
         "Small print that says much about nothing at all."},
        {"m <sup>2</sup> a<sup> 2 </sup>b", "m ² a²b"},
        {"a<sup></sup>b", "ab"},
    };
    for (const auto& [html, text] : cases) {
        INFO(html);
        REQUIRE(text_of(std::string("<p>") + html) == std::string(text) + "\n");
    }
    REQUIRE(text_of("<pre>x = 10<sup>6</sup>\n  y</pre>") == "x = 10⁶\n  y\n");
    REQUIRE(text_of("<table><tr><td>km<sup>2</sup><td>5<sup>th</sup></table>") == "km² | 5th\n");
}

TEST_CASE("quotation marks and ruby annotations are written out") {
    REQUIRE(text_of("<p>He said <q>no, <q>never</q></q>.") == "He said “no, ‘never’”.\n");
    REQUIRE(text_of("<p><ruby>漢字<rt>かんじ</rt></ruby>と<ruby>東<rp>(</rp><rt>とう</rt><rp>)</rp></ruby>") ==
            "漢字(かんじ)と東(とう)\n");
}

TEST_CASE("a formula is written once, as TeX if the page has it") {
    const std::string mathml = "<math><semantics><mrow><msup><mi>x</mi><mn>2</mn></msup><mo>+</mo><mn>1</mn></mrow>";
    const std::string annotation = "<annotation encoding='application/x-tex'>x^2 + 1</annotation></semantics></math>";
    const std::string katex =
        "<span class=katex><span class=katex-mathml>" + mathml + annotation +
        "</span><span class=katex-html aria-hidden=true><span>x</span><span>2</span>+1</span></span>";
    REQUIRE(text_of("<p>So " + katex + " holds.") == "So $x^2 + 1$ holds.\n");
    REQUIRE(text_of("<p>So <span class=katex><span class=katex-html aria-hidden=true>a+b</span></span> holds.") ==
            "So a+b holds.\n");
    // MathJax 2: preview, glyphs with hidden MathML, and the source in a script.
    const std::string script = "<script type='math/tex'>x^2 + 1</script>";
    REQUIRE(text_of("<p>So <span class=MathJax_Preview>x2+1</span><span class=MathJax><nobr>x2+1</nobr><span "
                    "class=MJX_Assistive_MathML>" +
                    mathml + "</semantics></math></span></span>" + script + " holds.") == "So $x^2 + 1$ holds.\n");
    REQUIRE(text_of("<p>So " + script + " holds.") == "So $x^2 + 1$ holds.\n");
    REQUIRE(text_of("<p>x</p><script type='math/tex; mode=display'>\\frac a b</script>") == "x\n\n$$\\frac a b$$\n");
    // MathJax 3 and Wikipedia.
    REQUIRE(text_of("<p>So <mjx-container><mjx-math aria-hidden=true>G</mjx-math><mjx-assistive-mml>" + mathml +
                    "</semantics></math></mjx-assistive-mml></mjx-container> holds.") == "So x² + 1 holds.\n");
    REQUIRE(
        text_of(
            "<p>So <span class=mwe-math-element><span style='display: none;'><math alttext='{\\displaystyle x^{2}}'>"
            "<semantics><mi>x</mi><annotation encoding='application/x-tex'>{\\displaystyle "
            "x^{2}}</annotation></semantics>"
            "</math></span><img class=mwe-math-fallback-image-inline aria-hidden=true></span> holds.") ==
        "So $x^{2}$ holds.\n");
    REQUIRE(text_of("<p><math alttext='\\alpha_{i}'><mi>α</mi></math>") == "$\\alpha_{i}$\n");
}

TEST_CASE("MathML without TeX becomes one line") {
    const char* cases[][2] = {
        {"<mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>2</mn></mfrac>", "(a + b)/2"},
        {"<msqrt><mi>x</mi></msqrt><mo>=</mo><mroot><mi>y</mi><mn>3</mn></mroot>", "√x = ³√y"},
        {"<msub><mi>x</mi><mi>i</mi></msub><mo>≤</mo><msub><mi>x</mi><mn>0</mn></msub>", "x_i ≤ x₀"},
        {"<msup><mi>e</mi><mrow><mo>-</mo><mi>x</mi></mrow></msup>", "e^(-x)"},
        {"<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover><mi>i</mi>",
         "∑_(i = 1)^ni"},
        {"<mi>f</mi><mo>&#x2061;</mo><mfenced><mi>x</mi><mi>y</mi></mfenced>", "f(x, y)"},
        {"<mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>0</mn></mtd></mtr><mtr><mtd><mn>0</mn></mtd></mtr></mtable>",
         "[1, 0; 0]"},
    };
    for (const auto& [mathml, text] : cases) {
        INFO(mathml);
        REQUIRE(text_of(std::string("<p><math>") + mathml + "</math>") == std::string(text) + "\n");
    }
}
