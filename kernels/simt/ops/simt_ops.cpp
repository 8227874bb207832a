// The ops of kernels/cuda, run by the emulator.
#include "kernels/cuda/device_ops.h"

namespace gradus {

const Ops& simt_ops() { return simt::table(); }

}  // namespace gradus
