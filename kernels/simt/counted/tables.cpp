// The counted ops and ladders.
#include "kernels/cuda/ladder/rungs.h"
#include "kernels/simt/counters.h"

namespace gradus {

const Ops& counted_ops() { return counted::table(); }
const std::vector<Rung>& counted_ladder() { return counted::ladder(); }

}  // namespace gradus
