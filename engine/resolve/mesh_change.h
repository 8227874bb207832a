#pragma once
// What to change where the ranks cannot divide a run among them.
#include <functional>
#include <string>

#include "engine/config.h"

namespace gradus {

// The smallest change that works, such as "--set train.micro_batch=2"; empty where none does. Tried in turn: the number
// of ranks that the settings ask for; train.micro_batch, mesh.dp, mesh.tp, train.batch; two of these; fewer ranks.
// `works` says whether a run with these settings is possible on that many ranks.
std::string mesh_change(const Config& asked, int ranks, const std::function<bool(const Config&, int ranks)>& works);

}  // namespace gradus
