#include "data/html_formula.h"

#include <algorithm>
#include <vector>

#include "data/html_scripts.h"
#include "data/text.h"

namespace gradus {

namespace {

constexpr int deepest = 64;  // deeper nesting is written as plain text
constexpr int nearby = 64;   // nodes that are examined around an element

bool holds(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::string small(std::string_view text) {
    std::string result(text);
    for (char& c : result) c = c >= 'A' && c <= 'Z' ? char(c + 32) : c;
    return result;
}

bool is_blank_text(const HtmlTree& page, int i) { return page.is_text(i) && trimmed(page.text(i)).empty(); }

std::string all_text(const HtmlTree& page, int element) {
    std::string text;
    for (int i = element; i < page.end(element); ++i) text += page.text(i);
    return with_single_spaces(text);
}

// Removes braces around the whole formula with only a style in them.
std::string_view without_style(std::string_view tex) {
    tex = trimmed(tex);
    for (const std::string_view style : {"{\\displaystyle", "{\\textstyle", "{\\scriptstyle"})
        if (tex.starts_with(style) && tex.ends_with("}"))
            return trimmed(tex.substr(style.size(), tex.size() - style.size() - 1));
    return tex;
}

std::string tex_text(std::string_view source, bool display) {
    const std::string tex = with_single_spaces(without_style(source));
    const std::string mark = display ? "$$" : "$";
    return tex.empty() ? "" : mark + tex + mark;
}

// Writes MathML as one line.
class Line {
public:
    explicit Line(const HtmlTree& page) : page_(page) {}

    std::string of(int i, int depth = 0) const {
        if (page_.is_text(i)) return with_single_spaces(page_.text(i));
        if (!page_.is_element(i)) return "";
        if (depth > deepest) return all_text(page_, i);
        const std::string name = small(page_.name(i));
        if (name == "mo") return operator_text(i);
        if (name == "mspace") return " ";
        if (name == "mphantom" || name == "annotation" || name == "annotation-xml") return "";
        std::vector<std::string> parts;
        for (int child = i + 1; child < page_.end(i); child = page_.end(child))
            if (page_.is_element(child) || !trimmed(page_.text(child)).empty()) parts.push_back(of(child, depth + 1));
        const size_t n = parts.size();
        if (name == "mfrac" && n == 2) return grouped(parts[0]) + "/" + grouped(parts[1]);
        if (name == "msqrt") return "√" + grouped(joined(parts, ""));
        if (name == "mroot" && n == 2) return script_text(Script::super, parts[1], "", false) + "√" + grouped(parts[0]);
        if ((name == "msup" || name == "mover") && n == 2) return parts[0] + super(parts[0], parts[1]);
        if ((name == "msub" || name == "munder") && n == 2) return parts[0] + sub(parts[0], parts[1]);
        if ((name == "msubsup" || name == "munderover") && n == 3)
            return parts[0] + sub(parts[0], parts[1]) + super(parts[0], parts[2]);
        if (name == "mtable") return "[" + joined(parts, "; ") + "]";
        if (name == "mtr" || name == "mlabeledtr") return joined(parts, ", ");
        if (name == "mfenced") return fence(i, "open", "(") + joined(parts, ", ") + fence(i, "close", ")");
        return joined(parts, "");
    }

private:
    static std::string joined(const std::vector<std::string>& parts, std::string_view between) {
        std::string text;
        for (const std::string& part : parts) text.append(text.empty() ? "" : between).append(part);
        return text;
    }
    static std::string grouped(const std::string& text) {
        const bool one = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || uint8_t(c) >= 0x80;
        });
        return one ? text : "(" + text + ")";
    }
    // In a formula letters are never an ordinal or a note, so "1" is passed as the text before them.
    static std::string super(const std::string& base, const std::string& text) {
        const std::string script = script_text(Script::super, text, "", false);
        if (base.empty() || script != text || text.empty()) return script;
        return uint8_t(text[0]) >= 0x80 && text.size() <= 3 ? "^" + text : "^" + grouped(text);
    }
    static std::string sub(const std::string& base, const std::string& text) {
        const std::string script = script_text(Script::sub, text, "", false);
        return base.empty() || script != text || text.empty() ? script : "_" + grouped(text);
    }
    std::string fence(int i, const char* name, const char* usual) const {
        return page_.has_attribute(i, name) ? std::string(page_.attribute(i, name)) : usual;
    }

    std::string operator_text(int i) const {
        const std::string text = all_text(page_, i);
        // Invisible operators: function application, times, separator and plus.
        if (text.size() == 3 && text.starts_with("\xE2\x81") && uint8_t(text[2]) >= 0xA1 && uint8_t(text[2]) <= 0xA4)
            return text[2] == char(0xA1) || text[2] == char(0xA2) ? "" : " ";
        static constexpr std::string_view between[] = {"=", "<", ">", "≤", "≥", "≠", "≈", "≡", "∼", "±", "×", "÷", "→",
                                                       "⇒", "⇔", "∈", "∉", "⊂", "⊆", "∪", "∩", "+", "-", "−", "∧", "∨"};
        if (std::find(std::begin(between), std::end(between), text) == std::end(between)) return text;
        const int parent = page_.parent(i);
        bool first = true;
        for (int k = i - 1; k > parent && first && k > i - nearby; --k) first = is_blank_text(page_, k);
        bool last = true;
        for (int k = page_.end(i); k < page_.end(parent) && last && k < i + nearby; ++k) last = is_blank_text(page_, k);
        return first || last ? text : " " + text + " ";
    }

    const HtmlTree& page_;
};

std::string_view script_type(const HtmlTree& page, int i) {
    return page.tag(i) == GUMBO_TAG_SCRIPT ? page.attribute(i, "type") : std::string_view();
}

bool is_rendered(const HtmlTree& page, int i) {
    const std::string_view names = page.attribute(i, "class");
    return holds(names, "MathJax") || holds(names, "mjx-chtml");
}

}  // namespace

bool is_formula(const HtmlTree& page, int element) {
    return page.tag(element) == GUMBO_TAG_MATH || script_type(page, element).starts_with("math/");
}

std::string formula_text(const HtmlTree& page, int formula) {
    if (page.tag(formula) == GUMBO_TAG_SCRIPT) {
        const std::string source = all_text(page, formula);
        const std::string_view type = script_type(page, formula);
        if (type.starts_with("math/tex")) return tex_text(source, holds(type, "mode=display"));
        if (!type.starts_with("math/mml")) return source;
        const HtmlTree inner(source);
        for (int i = 0; i < inner.size(); ++i)
            if (inner.tag(i) == GUMBO_TAG_MATH) return formula_text(inner, i);
        return "";
    }
    const bool display = page.attribute(formula, "display") == "block" || page.attribute(formula, "mode") == "display";
    for (int i = formula + 1; i < page.end(formula); ++i)
        if (page.is_element(i) && small(page.name(i)) == "annotation" &&
            holds(small(page.attribute(i, "encoding")), "tex"))
            return tex_text(all_text(page, i), display);
    if (const std::string_view tex = page.attribute(formula, "alttext");
        holds(tex, "\\") || holds(tex, "^") || holds(tex, "_"))
        return tex_text(tex, display);
    return with_single_spaces(Line(page).of(formula));
}

bool repeats_formula(const HtmlTree& page, int element) {
    if (!is_rendered(page, element) || page.parent(element) < 0) return false;
    int left = nearby;
    for (int i = page.end(element); i < page.end(page.parent(element)) && --left > 0; i = page.end(i)) {
        if (is_formula(page, i)) return true;
        if (!is_blank_text(page, i) && !is_rendered(page, i)) return false;
    }
    return false;
}

bool hides_formula(const HtmlTree& page, int element) {
    if (holds(page.attribute(element, "class"), "katex-html")) {
        const int around = std::max(0, page.parent(element));
        for (int i = around + 1; i < page.end(around) && i < around + nearby; ++i)
            if (page.tag(i) == GUMBO_TAG_MATH) return false;
        return true;
    }
    for (int i = element + 1; i < page.end(element) && i < element + nearby; ++i) {
        if (page.tag(i) == GUMBO_TAG_MATH) return page.attribute(element, "aria-hidden") != "true";
        if (page.is_text(i) ? !is_blank_text(page, i) : page.tag(i) != GUMBO_TAG_SPAN) return false;
    }
    return false;
}

}  // namespace gradus
