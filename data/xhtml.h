#pragma once
// XHTML: what pages written in XML need in addition to the HTML parser.
//
// HtmlTree::parse_xml (xhtml.cpp, with expat) reads well-formed pages: <title/> is empty, CDATA is text, prefixes mean
// their namespace. HTML's named characters (&nbsp;) are known without a DTD; nothing outside the page is read;
// a page whose entities expand to more than ten times its size is refused as "entity_expansion".
//
// A page that is not well-formed, as many are, is rewritten so that the HTML parser reads it with the same meaning.
// Source: https://www.w3.org/TR/xml/, https://html.spec.whatwg.org/multipage/xhtml.html
#include <string>
#include <string_view>

namespace gradus {

// The text has an XML declaration and an XHTML root element.
bool declares_xhtml(std::string_view utf8);

// <x …/> becomes <x …></x> unless it is a void element of HTML, CDATA becomes text, <?…?> is removed.
std::string xml_written_as_html(std::string_view xml);

}  // namespace gradus
