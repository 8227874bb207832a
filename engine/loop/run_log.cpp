#include "engine/loop/run_log.h"

#include <nlohmann/json.hpp>

namespace gradus {

RunLog::RunLog(const fs::path& run_folder, int64_t last_step)
    : folder_(run_folder), lines_(run_folder / "log.jsonl", last_step) {
    events_.emplace(folder_, last_step);
}

void RunLog::write(const nlohmann::ordered_json& record) {
    lines_.write(record);
    for (const auto& [key, value] : record.items())
        if (value.is_number() && key != "step")
            events_->scalar(key.starts_with("val_") ? "val/" + key.substr(4) : "train/" + key, value, record["step"]);
    events_->flush();
}

void RunLog::sync() {
    lines_.sync();
    events_->sync();
}

void RunLog::remove_after(int64_t last_step) {
    lines_.remove_after(last_step);
    events_.reset();
    events_.emplace(folder_, last_step);
}

}  // namespace gradus
