#include <algorithm>

#include "data/text.h"
#include "data/xhtml.h"

namespace gradus {

namespace {

bool is_void(std::string_view name) {
    static constexpr std::string_view names[] = {"area", "base", "br",    "col",    "embed", "hr",  "img",  "input",
                                                 "link", "meta", "param", "source", "track", "wbr", "image"};
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

// The position after the '>' of the start tag at `at`; npos if another tag or the end of the text comes first.
size_t end_of_tag(std::string_view xml, size_t at) {
    for (size_t i = at + 1; i < xml.size(); ++i) {
        if (xml[i] == '>') return i + 1;
        if (xml[i] == '<') return std::string_view::npos;
        if (xml[i] == '"' || xml[i] == '\'') {
            i = xml.find(xml[i], i + 1);
            if (i == std::string_view::npos) return i;
        }
    }
    return std::string_view::npos;
}

void append_escaped(std::string& html, std::string_view text) {
    for (const char c : text) {
        if (c == '<') html += "&lt;";
        else if (c == '&') html += "&amp;";
        else html += c;
    }
}

}  // namespace

std::string xml_written_as_html(std::string_view xml) {
    std::string html;
    html.reserve(xml.size() + xml.size() / 8);
    // From `at` through the next `mark`, or to the end.
    auto after = [&](size_t at, std::string_view mark) {
        const size_t found = xml.find(mark, at);
        return found == std::string_view::npos ? xml.size() : found + mark.size();
    };
    for (size_t at = 0; at < xml.size();) {
        const size_t open = std::min(xml.find('<', at), xml.size());
        html += xml.substr(at, open - at);
        at = open;
        if (xml.substr(at, 4) == "<!--") {
            const size_t end = after(at + 4, "-->");
            html += xml.substr(at, end - at);
            at = end;
        } else if (xml.substr(at, 9) == "<![CDATA[") {
            const size_t end = std::min(xml.find("]]>", at + 9), xml.size());
            append_escaped(html, xml.substr(at + 9, end - at - 9));
            at = std::min(end + 3, xml.size());
        } else if (xml.substr(at, 2) == "<?") {
            at = after(at, "?>");
        } else if (at + 1 < xml.size() && is_ascii_letter(xml[at + 1])) {
            const size_t end = end_of_tag(xml, at);
            if (end == std::string_view::npos) {
                html += xml[at++];
                continue;
            }
            const std::string_view tag = xml.substr(at, end - at);
            const std::string_view name = tag.substr(1, tag.find_first_of("/> \t\r\n\f", 1) - 1);
            at = end;
            if (tag[tag.size() - 2] == '/' && !is_void(name)) {
                html.append(tag.substr(0, tag.size() - 2)).append("></").append(name).append(">");
                continue;
            }
            html += tag;
            if (name != "script" && name != "style") continue;
            const size_t closing = std::min(xml.find("</" + std::string(name), at), xml.size());
            html += xml.substr(at, closing - at);
            at = closing;
        } else if (at < xml.size()) {
            html += xml[at++];
        }
    }
    return html;
}

bool declares_xhtml(std::string_view utf8) {
    constexpr size_t window = 4096;  // the declaration and a DOCTYPE come first
    std::string_view head = utf8.substr(0, window);
    while (!head.empty() && is_space(head[0])) head.remove_prefix(1);
    if (head.substr(0, 5) != "<?xml") return false;
    for (size_t at = 0; (at = head.find("<html", at)) != std::string_view::npos; at += 5) {
        const std::string_view tag = head.substr(at, end_of_tag(head, at) - at);
        if (tag.find("http://www.w3.org/1999/xhtml") != std::string_view::npos) return true;
    }
    return false;
}

}  // namespace gradus
