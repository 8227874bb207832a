// The table of kernels/cuda as the emulator runs it.
#include "kernels/cuda/device_ops.h"

namespace gradus {

const Ops& simt_ops() { return simt::table(); }

}  // namespace gradus
