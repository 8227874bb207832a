#pragma once
// What to change if the ranks cannot divide a run.
#include <functional>
#include <string>

#include "engine/config.h"

namespace gradus {

// The smallest change that works, such as "--set train.micro_batch=2"; empty: none works. It tries in turn the number
// of ranks of the settings; train.micro_batch, mesh.dp, mesh.tp, train.batch; two of these; fewer ranks. `works` tests
// whether a run with these settings is possible on that many ranks.
std::string mesh_change(const Config& asked, int ranks, const std::function<bool(const Config&, int ranks)>& works);

}  // namespace gradus
