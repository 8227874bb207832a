#include <catch2/catch.hpp>

#include "data/extract_html.h"
#include "data/html_tree.h"
#include "data/readers.h"
#include "data/xhtml.h"
#include "tests/data/temporary_folder.h"

using namespace gradus;

namespace {

std::string text_of(std::string_view xhtml) { return extract_html(xhtml, Markup::xml).text; }

// A well-formed page, and the same with an element that is never closed.
std::string page(std::string_view body, std::string_view head = "<title/>") {
    return "<?xml version=\"1.0\"?>\n<html xmlns=\"http://www.w3.org/1999/xhtml\"><head>" + std::string(head) +
           "</head><body>" + std::string(body) + "</body></html>";
}
std::string ill_formed(std::string_view body, std::string_view head = "<title/>") {
    return page(std::string(body) + "<p>open", head);
}

}  // namespace

TEST_CASE("a self-closing element of XHTML is empty, whether or not the page is well-formed") {
    for (const std::string name : {"title", "script", "style", "iframe", "textarea", "noscript", "xmp", "a", "div",
                                   "span", "p", "b", "td", "object", "video", "canvas"}) {
        for (const std::string& element : {"<" + name + "/>", "<" + name + " class=\"a>b\" />"}) {
            INFO(element);
            REQUIRE(text_of(page("<p>before</p>" + element + "<p>after</p>", "")) == "before\n\nafter\n");
            REQUIRE(text_of(ill_formed("<p>before</p>" + element + "<p>after</p>", "")) == "before\n\nafter\n\nopen\n");
            if (name == "title" || name == "script" || name == "style") {
                REQUIRE(text_of(page("<p>x</p>", element)) == "x\n");
                REQUIRE(text_of(ill_formed("<p>x</p>", element)) == "x\n\nopen\n");
            }
        }
    }
    REQUIRE(text_of(page("<p>a<br/>b<img src='x'/> c<wbr/>d</p><hr/>")) == "a\nb cd\n");
    REQUIRE(text_of(ill_formed("<p>a<br/>b<img src='x'/> c</p><hr/>")) == "a\nb c\n\nopen\n");
}

TEST_CASE("a CDATA section is text, but in a script it is dropped") {
    const std::string body = "<p>a <![CDATA[<b> & ]] > c]]> d</p>";
    const std::string script = "<title>t</title><script>//<![CDATA[\nif (a < b && c) x('</p>');\n//]]></script>";
    REQUIRE(text_of(page(body, script)) == "a <b> & ]] > c d\n");
    REQUIRE(text_of(ill_formed(body, script)) == "a <b> & ]] > c d\n\nopen\n");
}

TEST_CASE("the named characters of HTML are known with any DOCTYPE and without one") {
    const std::string html =
        "<html xmlns='http://www.w3.org/1999/xhtml'><body><p class='&nbsp;'>"
        "a&nbsp;b &eacute;&hellip; &amp; &lt;p&gt; &#233; &nosuch;</p></body></html>";
    for (const std::string front : {"", "<!DOCTYPE html>",
                                    "<!DOCTYPE html PUBLIC '-//W3C//DTD XHTML 1.0 Strict//EN' "
                                    "'http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd'>",
                                    "<!DOCTYPE html [ <!ENTITY nosuch '&#38;nosuch;'> ]>"}) {
        INFO(front);
        if (front.find("ENTITY") == std::string::npos) REQUIRE(text_of(front + html) == "a b é… & <p> é &nosuch;\n");
    }
    REQUIRE(text_of("<!DOCTYPE html [ <!ENTITY who 'the author'> ]><p>by &who;&nbsp;!</p>") == "by the author !\n");
}

TEST_CASE("prefixes mean their namespace, and elements of unknown namespaces are ignored") {
    REQUIRE(
        text_of("<h:html xmlns:h='http://www.w3.org/1999/xhtml'><h:body><h:p>a</h:p><h:p>b</h:p></h:body></h:html>") ==
        "a\n\nb\n");
    REQUIRE(text_of(page("<p>a<x:script xmlns:x='urn:x'>b</x:script><title xmlns='urn:y'>c</title></p>")) == "abc\n");
    REQUIRE(text_of(page("<p>a</p><fb:like/><p>b</p>")) == "a\n\nb\n");  // unbound prefix: parsed as HTML
    REQUIRE(text_of(page("<svg xmlns='http://www.w3.org/2000/svg'><text>no</text></svg><p xml:lang='en'>yes</p>")) ==
            "yes\n");
}

TEST_CASE("a page with exploding entities is refused, and nothing outside the page is read") {
    std::string laughs = "<!DOCTYPE html [<!ENTITY a0 'ha'>";
    for (int i = 1; i < 30; ++i) {
        const std::string before = "&a" + std::to_string(i - 1) + ";";
        laughs += "<!ENTITY a" + std::to_string(i) + " '" + before + before + before + "'>";
    }
    REQUIRE(extract_html(laughs + "]><p>&a29;</p>", Markup::xml).refused == "entity_expansion");
    std::string one = "<!DOCTYPE html [<!ENTITY a '" + std::string(100'000, 'x') + "'>]><p>";
    for (int i = 0; i < 10'000; ++i) one += "&a;";
    REQUIRE(extract_html(one + "</p>", Markup::xml).refused == "entity_expansion");
    std::string chain = "<!DOCTYPE html [<!ENTITY a0 'x'>";
    for (int i = 1; i < 200'000; ++i)
        chain += "<!ENTITY a" + std::to_string(i) + " '&a" + std::to_string(i - 1) + ";'>";
    REQUIRE(extract_html(chain + "]><p>&a199999;</p>", Markup::xml).refused == "entity_expansion");
    const TemporaryFolder folder;
    const std::string secret = folder.write("secret.txt", "SECRET").string();
    REQUIRE(text_of("<!DOCTYPE html [<!ENTITY s SYSTEM '" + secret + "'>]><p>a&s;b</p>") == "ab\n");
    REQUIRE(text_of("<!DOCTYPE html [<!ENTITY % s SYSTEM '" + secret + "'> %s;]><p>a&s;b</p>").find("SECRET") ==
            std::string::npos);
    REQUIRE(text_of("<!DOCTYPE html SYSTEM '" + secret + "'><p>ab</p>") == "ab\n");
}

TEST_CASE("XHTML is recognized by its name or its declaration") {
    for (const char* name : {"a.xhtml", "A.XHT", "a.xhtml.gz", "b.xht.zst"}) REQUIRE(is_xhtml_name(name));
    for (const char* name : {"a.html", "xhtml", "a.xhtml.html", "a.gz"}) REQUIRE_FALSE(is_xhtml_name(name));
    REQUIRE(
        declares_xhtml("\n<?xml version='1.0'?><!DOCTYPE html><html lang='en' xmlns='http://www.w3.org/1999/xhtml'>"));
    REQUIRE_FALSE(declares_xhtml("<html xmlns='http://www.w3.org/1999/xhtml'>"));
    REQUIRE_FALSE(declares_xhtml("<?xml version='1.0'?><rss><!-- http://www.w3.org/1999/xhtml -->"));

    const TemporaryFolder folder;
    const std::string self_closed =
        "<html xmlns='http://www.w3.org/1999/xhtml'><head><title/></head><body><p>A</p></body></html>";
    folder.write("1.xhtml", self_closed);
    folder.write("2.xht", "<?xml version='1.0' encoding='koi8-r'?>" + self_closed.substr(0, self_closed.size() - 18) +
                              "\xC1</p></body></html>");
    folder.write("3.html", "<?xml version='1.0'?>" + self_closed);
    folder.write("4.html", "<title/><p>lost</p></title><p>kept</p>");  // HTML, where a title cannot close itself
    DocumentReader reader({folder});
    std::vector<std::string> texts;
    for (Document document; reader.next(document);) texts.push_back(document.text);
    REQUIRE(texts == std::vector<std::string>{"A\n", "Aа\n", "A\n", "kept\n"});
}

TEST_CASE("any element can be the root of an XML page") {
    for (const std::string name : {"sup", "sub",  "rt", "q",   "button", "li", "td",     "tr",  "table", "ol",
                                   "dd",  "math", "mo", "pre", "a",      "h2", "script", "svg", "nav",   "legend"})
        for (const char* attributes : {"", "class='ad'", "class='MathJax'", "class='katex-html' aria-hidden='true'",
                                       "href='#x'", "style='display:none'"}) {
            INFO(name << " " << attributes);
            const std::string start = "<" + name + " " + attributes;
            for (const std::string& root :
                 {start + "/>", start + ">x</" + name + ">", start + "><a href='#1'>x</a></" + name + ">",
                  start + "><" + name + ">x</" + name + "></" + name + ">"})
                REQUIRE(text_of(root).size() <= 16);
        }
    REQUIRE(text_of("<sup>2</sup>") == "²\n");
}

TEST_CASE("a deep or broken page of XHTML is refused or read, and never crashes") {
    std::string open, close;
    for (int i = 0; i < 300'000; ++i) open += "<b>", close += "</b>";
    REQUIRE(extract_html(open + "x" + close, Markup::xml).refused == "nested_too_deeply");
    REQUIRE(text_of("").empty());
    REQUIRE(text_of("no markup at all") == "no markup at all\n");
    REQUIRE(text_of("<p>cut off <b") == "cut off\n");
    HtmlLimits limits;
    limits.nodes = 10;
    REQUIRE(HtmlTree("<p><b/><b/><b/><b/><b/><b/><b/><b/><b/><b/></p>", limits, Markup::xml).refused() ==
            "takes_too_much_memory");
}
