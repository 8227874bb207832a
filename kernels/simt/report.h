#pragma once
// Descriptions of the resident threads, for Faults.
#include <memory>
#include <string>
#include <vector>

#include "kernels/simt/block.h"

namespace gradus::emulator {

// Increasing numbers as ranges: "0-30, 32".
std::string ranges_text(const std::vector<int>& numbers);

// "  block (0, 0, 0): threads 0-30 in __syncthreads at FILE:LINE": one line for all threads of a block at one source line.
std::string thread_list(const std::vector<std::unique_ptr<Block>>& blocks);

// Throws the Fault of a launch in which no thread can run.
[[noreturn]] void deadlock(const std::vector<std::unique_ptr<Block>>& blocks);

}  // namespace gradus::emulator
