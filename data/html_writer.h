#pragma once
// Builds plain text: line ends, blank lines and spaces are requested, and are written only before the next characters.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "data/text.h"

namespace gradus {

class TextWriter {
public:
    std::string text;

    // The text that the next characters directly follow: empty after white space.
    std::string_view before() const {
        return space_ || newlines_ > 0 || cell_starts_ || text.empty() || is_space(text.back()) ? std::string_view()
                                                                                                : text;
    }

    // Requests a line end (1) or a blank line (2) before the next characters. Inside a table row both become a space.
    void end_line(int newlines) {
        if (rows_ > 0) space_ = true;
        else newlines_ = std::max(newlines_, newlines);
    }

    void collapsed(std::string_view part) {
        for (size_t i = 0; i < part.size();) {
            if (is_space(part[i])) {
                space_ = true, ++i;
            } else if (part.substr(i, 2) == no_break_space) {
                space_ = true, i += 2;
            } else {
                size_t end = i;
                while (end < part.size() && !is_space(part[end]) && part[end] != no_break_space[0]) ++end;
                end = std::max(end, i + 1);
                while (end < part.size() && (uint8_t(part[end]) & 0xC0) == 0x80) ++end;
                start();
                text += part.substr(i, end - i);
                i = end;
            }
        }
    }

    // Written directly after the last character, before pending white space.
    void attached(std::string_view part) {
        if (newlines_ > 0 || text.empty()) return;
        text += part;
    }

    void verbatim(std::string_view part) {
        if (part.empty()) return;
        space_ = false;
        if (newlines_ > 0) start_line();
        text += part;
    }

    // Removes white space at the end, but nothing before an open row.
    void trim_end() {
        const size_t kept = rows_ > 0 ? row_at_ : 0;
        while (text.size() > kept && is_space(text.back())) text.pop_back();
    }

    void open_item(std::string marker, size_t depth) {
        end_line(1);
        marker_ = std::string(2 * std::min(depth, deepest_indent), ' ') + std::move(marker);
    }
    void close_item() { marker_.clear(), end_line(1); }
    void indent(size_t depth) { indent_ = 2 * std::min(depth, deepest_indent); }

    void open_row() {
        end_line(1);
        if (rows_++ > 0) return;
        if (newlines_ > 0) start_line();
        row_at_ = text.size();
        cells_ = 0;
    }
    void open_cell() {
        if (rows_ != 1) return;
        if (cells_++ > 0) text += " | ";
        space_ = false;
        cell_starts_ = true;
    }
    void close_row() {
        if (--rows_ > 0) return;
        if (text.find_first_not_of(" |", row_at_) == std::string::npos) text.resize(row_at_);
        space_ = cell_starts_ = false;
        if (text.size() > row_at_) end_line(1);
    }

private:
    static constexpr size_t deepest_indent = 16;
    static constexpr std::string_view no_break_space = "\xC2\xA0";

    void start_line() {
        while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.pop_back();
        if (!text.empty()) {
            int have = 0;
            while (have < 2 && size_t(have) < text.size() && text[text.size() - 1 - size_t(have)] == '\n') ++have;
            text.append(size_t(std::max(0, newlines_ - have)), '\n');
        }
        newlines_ = 0;
    }

    void start() {
        const bool line_starts = newlines_ > 0 || text.empty() || text.back() == '\n';
        if (newlines_ > 0) start_line();
        if (line_starts && rows_ == 0) {
            text += marker_.empty() ? std::string(indent_, ' ') : marker_;
            marker_.clear();
        } else if (space_ && !cell_starts_ && !text.empty() && text.back() != '\n') {
            text += ' ';
        }
        space_ = cell_starts_ = false;
    }

    int newlines_ = 0;
    bool space_ = false;
    std::string marker_;
    size_t indent_ = 0;
    int rows_ = 0;  // open rows; a nested row is part of the outer one
    size_t row_at_ = 0;
    int cells_ = 0;
    bool cell_starts_ = false;
};

}  // namespace gradus
