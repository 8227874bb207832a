#pragma once
// Which of a library's algorithms computes each shape of matmul. The library offers some, the one it expects to be fastest
// first, and may refuse one only when it is to run.
//
// Usually the first that runs is taken: that depends on nothing but device, library and shape, so every run of a recipe has
// the same bits. While measuring, all that run are timed and the fastest is kept, once and for all. Choices can be written
// down, for the other ranks of a run and for when it is resumed.
//
// Knows no library: host/matmul.cu gives it what to call.
#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <sstream>
#include <string>

namespace gradus::cuda {

class MatmulChoices {
public:
    using Shape = std::array<int64_t, 14>;                             // all that tells one matmul from another
    using Queue = std::function<bool(int algorithm)>;                  // false: the library refuses it
    using Time = std::function<std::optional<double>(int algorithm)>;  // seconds; nothing: the library refuses it

    // Queues a matmul and returns the algorithm that does it, of those numbered from 0; -1 where none runs.
    int run(const Shape& shape, int algorithms, const Queue& queue, const Time& time) {
        const auto known = known_.find(shape);
        if (known != known_.end() && (known->second.settled || !measuring_)) {
            const int algorithm = known->second.algorithm;
            if (algorithm < algorithms && queue(algorithm)) return algorithm;
        }
        const int chosen = measuring_ ? fastest(algorithms, queue, time) : first(algorithms, queue);
        if (chosen >= 0) known_[shape] = {chosen, measuring_};
        return chosen;
    }

    void measure(bool on) { measuring_ = on; }

    // A line that says what the choices hold for (a device, a library), then one for each shape.
    std::string text(const std::string& holds_for) const {
        std::ostringstream out;
        out << holds_for << '\n';
        for (const auto& [shape, chosen] : known_) {
            for (int64_t number : shape) out << number << ' ';
            out << chosen.algorithm << '\n';
        }
        return out.str();
    }

    // Takes the choices of such a text, over its own; none of them, and false, where it holds for something else or is damaged.
    bool use(const std::string& text, const std::string& holds_for) {
        std::istringstream lines(text);
        std::string line;
        if (!std::getline(lines, line) || line != holds_for) return false;
        std::map<Shape, int> read;
        while (std::getline(lines, line)) {
            std::istringstream numbers(line);
            Shape shape;
            int chosen = -1;
            for (int64_t& number : shape) numbers >> number;
            if (!(numbers >> chosen) || chosen < 0 || !(numbers >> std::ws).eof()) return false;
            read[shape] = chosen;
        }
        for (const auto& [shape, chosen] : read) known_[shape] = {chosen, true};
        return true;
    }

private:
    static int first(int algorithms, const Queue& queue) {
        for (int i = 0; i < algorithms; ++i)
            if (queue(i)) return i;
        return -1;
    }

    static int fastest(int algorithms, const Queue& queue, const Time& time) {
        int best = -1;
        double least = std::numeric_limits<double>::infinity();
        for (int i = 0; i < algorithms; ++i)
            if (const std::optional<double> seconds = time(i); seconds && *seconds < least) {
                best = i;
                least = *seconds;
            }
        return best >= 0 && queue(best) ? best : first(algorithms, queue);
    }

    struct Choice {
        int algorithm;
        bool settled;  // measured or read: not the first one for want of a measurement
    };
    std::map<Shape, Choice> known_;
    bool measuring_ = false;
};

}  // namespace gradus::cuda
