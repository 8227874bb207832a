#pragma once
// Who is at work under which name: a name is held by one page at a time, and the same person can come back to it.
//
// A page holds a name while it is heard from. A page that is closed lets go; one that crashed does after `silence`
// seconds. The page that held a name last may take it again at once, under a new seat: so a page that is loaded again
// goes on, and a copy of a page puts the original out. Times are seconds of any clock.
#include <map>
#include <string>

namespace gradus {

class Seats {
public:
    static constexpr double silence = 150;  // browsers wake pages in the background once a minute

    // Takes a name; `before`: the seat that this page had, or "". Returns why it is refused, or "".
    std::string take(const std::string& rater, const std::string& seat, const std::string& before, double now);
    // Whether the seat holds the name; if so, it has been heard from.
    bool holds(const std::string& rater, const std::string& seat, double now);
    void leave(const std::string& rater, const std::string& seat);

    bool is_taken(const std::string& rater, double now) const;

private:
    struct Seat {
        std::string seat;
        double heard = 0;
    };
    std::map<std::string, Seat> seats_;
};

// Why this cannot be a rater's name; "" if it can.
std::string problem_of_rater(const std::string& name);

}  // namespace gradus
