#pragma once
// XHTML: what a page needs besides the parser of HTML when it is written in XML.
//
// HtmlTree::parse_xml (xhtml.cpp, with expat) reads well-formed pages: <title/> is empty, CDATA is text, prefixes mean
// their namespace. The named characters of HTML (&nbsp;) are known without a DTD; nothing outside the page is read;
// a page whose entities expand to more than ten times its size is refused as "entity_expansion".
//
// A page that is not well-formed, as many are, is rewritten to mean the same to the parser of HTML.
// Source: https://www.w3.org/TR/xml/, https://html.spec.whatwg.org/multipage/xhtml.html
#include <string>
#include <string_view>

namespace gradus {

// An XML declaration in front, and a root element of XHTML.
bool declares_xhtml(std::string_view utf8);

// <x …/> becomes <x …></x> unless HTML closes it by itself, CDATA becomes text, <?…?> goes.
std::string xml_written_as_html(std::string_view xml);

}  // namespace gradus
