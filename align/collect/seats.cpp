#include "align/collect/seats.h"

#include "data/text.h"

namespace gradus {

std::string Seats::take(const std::string& rater, const std::string& seat, const std::string& before, double now) {
    const auto held = seats_.find(rater);
    if (held != seats_.end() && is_taken(rater, now) && held->second.seat != before)
        return "'" + rater +
               "' is at work in another page; continue there, close that page, or take another name for another person";
    seats_[rater] = {seat, now};
    return "";
}

bool Seats::holds(const std::string& rater, const std::string& seat, double now) {
    const auto held = seats_.find(rater);
    if (held == seats_.end() || held->second.seat != seat) return false;
    held->second.heard = now;
    return true;
}

void Seats::leave(const std::string& rater, const std::string& seat) {
    const auto held = seats_.find(rater);
    if (held != seats_.end() && held->second.seat == seat) seats_.erase(held);
}

bool Seats::is_taken(const std::string& rater, double now) const {
    const auto held = seats_.find(rater);
    return held != seats_.end() && now - held->second.heard < silence;
}

std::string problem_of_rater(const std::string& name) {
    if (name.empty()) return "the name is empty";
    if (name.size() > 100) return "the name is longer than 100 bytes";
    if (!is_valid_utf8(name)) return "the name is not UTF-8";
    if (trimmed(name) != name) return "the name begins or ends with white space";
    for (char c : name)
        if (uint8_t(c) < ' ' || c == 0x7f) return "the name has a control character";
    return "";
}

}  // namespace gradus
