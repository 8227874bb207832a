#include "kernels/simt/copies.h"
namespace gradus::emulator {
bool complete_a_copy(const std::vector<std::unique_ptr<Block>>&, uint64_t) { return false; }
void finish_copies(Thread&) {}
void check_nothing_in_flight(Block&) {}
}  // namespace gradus::emulator
