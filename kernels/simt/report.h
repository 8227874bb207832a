#pragma once
// What a Fault tells of the threads on the machine.
#include <memory>
#include <string>
#include <vector>

#include "kernels/simt/block.h"

namespace gradus::emulator {

// Numbers that rise: "0-30, 32".
std::string ranges_text(const std::vector<int>& numbers);

// "  block (0, 0, 0): threads 0-30 in __syncthreads at FILE:LINE", a line for each group of threads at one place.
std::string where_everybody_is(const std::vector<std::unique_ptr<Block>>& blocks);

// The Fault of a launch in which no thread can go on.
[[noreturn]] void deadlock(const std::vector<std::unique_ptr<Block>>& blocks);

}  // namespace gradus::emulator
