#pragma once
// The numbers of a run, in its folder:
//
//   log.jsonl      one line a step: step (1 after the first), loss, grad_norm, lr, ms, tokens (targets of this step);
//                  skipped, of a step that was: why (engine/stability.h); rolled_back_from, of the first step after a
//                  rollback: the step before it; after a complete validation also val_loss (nats per token) and
//                  val_bits_per_byte
//   events.out.tfevents.*  the same numbers, for TensorBoard
#include <nlohmann/json_fwd.hpp>

#include <memory>
#include <optional>

#include "engine/base/event_file.h"
#include "engine/base/log.h"

namespace gradus {

class RunLog {
public:
    // Continues the logs after that step: lines of later steps are dropped.
    RunLog(const fs::path& run_folder, int64_t last_step);

    void write(const nlohmann::ordered_json& record);
    void sync();  // to the disk
    void remove_after(int64_t last_step);

private:
    fs::path folder_;
    JsonLines lines_;
    std::optional<EventFile> events_;
};

}  // namespace gradus
