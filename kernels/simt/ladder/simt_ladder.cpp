// The ladders of kernels/cuda/ladder/, run by the emulator.
#include "kernels/cuda/ladder/rungs.h"

namespace gradus {

const std::vector<Rung>& simt_ladder() { return simt::ladder(); }

}  // namespace gradus
