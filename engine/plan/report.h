#pragma once
// A plan as tables for people and as JSON for programs. docs/commands.md documents the keys, which are stable.
#include <nlohmann/json_fwd.hpp>

#include "engine/plan/plan.h"

namespace gradus {

std::string plan_text(const Plan&, const std::vector<Alternative>&);
nlohmann::ordered_json plan_json(const Plan&, const std::vector<Alternative>&);

}  // namespace gradus
