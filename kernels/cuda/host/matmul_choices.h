#pragma once
// The choice of a library's algorithm for each matmul shape. The library offers several, the one it expects to be fastest first,
// and may refuse an algorithm only at the call.
//
// By default the first that runs is used. It depends only on device, library and shape, so every run of a recipe has the same
// bits. While measuring, all algorithms are timed and the fastest is kept from then on. Choices can be saved, for the other
// ranks of a run and for its resumption.
//
// Independent of the library: host/matmul.cu passes the functions to call.
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
    using Shape = std::array<int64_t, 17>;                             // everything that identifies a kind of matmul
    using Queue = std::function<bool(int algorithm)>;                  // false: the library refuses it
    using Time = std::function<std::optional<double>(int algorithm)>;  // seconds; empty: the library refuses it

    // Queues a matmul and returns its algorithm, in [0, algorithms); -1 if none runs.
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

    // A line with the device and library that the choices are valid for, then a line per shape.
    std::string text(const std::string& holds_for) const {
        std::ostringstream out;
        out << holds_for << '\n';
        for (const auto& [shape, chosen] : known_) {
            for (int64_t number : shape) out << number << ' ';
            out << chosen.algorithm << '\n';
        }
        return out.str();
    }

    // Reads such a text; its choices replace existing ones. False, without effect: another device or library, or damaged text.
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
        bool settled;  // measured or read from a text
    };
    std::map<Shape, Choice> known_;
    bool measuring_ = false;
};

}  // namespace gradus::cuda
