#pragma once
// The source of texts for trainers.
#include <functional>
#include <string>

namespace gradus {

// Puts the next text into its argument, or returns false at the end. Never called by two threads at once. A piece never
// spans two texts, and each text is counted by one thread: many texts of some kilobytes balance best.
using TextSource = std::function<bool(std::string& text)>;

}  // namespace gradus
