#pragma once
// Where trainers take their texts from.
#include <functional>
#include <string>

namespace gradus {

// Puts the next text into its argument, or returns false at the end. Never called by two threads at once. A piece never
// spans two texts, and a text is counted by one thread: many of some kilobytes each share the work best.
using TextSource = std::function<bool(std::string& text)>;

}  // namespace gradus
