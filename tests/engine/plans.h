#pragma once
// Requests for the tests of plans.
#include "engine/plan/plan.h"

namespace gradus::test {

inline std::string family_of(const std::string& name) { return name.substr(0, name.find('-')); }

inline PlanRequest small_request(const std::vector<std::string>& assignments, int vocab = 301) {
    PlanRequest request;
    std::vector<std::string> all = {"model.layers=3", "model.width=48", "model.heads=4",      "train.context=64",
                                    "train.batch=8",  "train.steps=10", "train.micro_batch=2"};
    all.insert(all.end(), assignments.begin(), assignments.end());
    for (const std::string& a : all) apply_settings(request.config, {parse_assignment(a)});
    request.data.vocab = vocab;
    request.devices = parse_devices("cpu");
    return request;
}

// Brown et al. 2020, table 2.1.
inline PlanRequest gpt3_request() {
    PlanRequest request = small_request(
        {"model.layers=96", "model.width=12288", "model.heads=96", "train.context=2048", "train.batch=1536",
         "train.micro_batch=1", "train.dtype=bf16", "train.recompute=true", "train.steps=95000"},
        50257);
    request.devices = parse_devices("1024xH100");
    apply_settings(request.config, {parse_assignment("mesh.tp=8")});
    return request;
}

}  // namespace gradus::test
