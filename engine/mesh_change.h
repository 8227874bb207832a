#pragma once
// What to change where the ranks cannot share out a run.
#include <functional>
#include <string>

#include "engine/config.h"

namespace gradus {

// The smallest change that works, found by trying: of train.micro_batch, mesh.dp, mesh.tp, train.batch, then of two of them, last
// of the number of ranks: "--set train.micro_batch=2". Where these settings want another number of ranks, that comes first.
// Empty where nothing works. `works` says whether a run with these settings can be on so many ranks.
std::string mesh_change(const Config& asked, int ranks, const std::function<bool(const Config&, int ranks)>& works);

}  // namespace gradus
