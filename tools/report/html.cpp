#include "tools/report/html.h"

#include <fmt/format.h>

#include <cctype>
#include <string_view>

#include "engine/base/one_line.h"

namespace gradus {

std::string escape_html(const std::string& text) {
    std::string out;
    for (char c : printable(text)) {
        if (c == '<') out += "&lt;";
        else if (c == '>') out += "&gt;";
        else if (c == '&') out += "&amp;";
        else if (c == '"') out += "&quot;";
        else if (c == '\'') out += "&#39;";
        else out += c;
    }
    return out;
}

std::string answer_html(const std::string& text) {
    return text.find_first_not_of(" \t\r\n") == std::string::npos ? "<span class=empty>(empty)</span>"
                                                                  : escape_html(text);
}

std::string escape_path(const std::string& path) {
    constexpr std::string_view kept = "-._~/";
    std::string out;
    for (const char c : path) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 128 && (std::isalnum(byte) || kept.find(c) != std::string_view::npos)) out += c;
        else out += fmt::format("%{:02X}", byte);
    }
    return out;
}

std::string number_box(const std::string& value, const std::string& what) {
    return fmt::format("<div class=number><b>{}</b><span>{}</span></div>\n", escape_html(value), escape_html(what));
}

std::string table_of(const std::vector<std::pair<std::string, std::string>>& rows) {
    std::string html = "<div class=scroll><table class=facts>";
    for (const auto& [name, value] : rows)
        html += fmt::format("<tr><td>{}</td><td>{}</td></tr>", escape_html(name), escape_html(value));
    return html + "</table></div>\n";
}

}  // namespace gradus
