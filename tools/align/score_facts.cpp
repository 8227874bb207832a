#include "tools/align/score_facts.h"

#include "engine/base/json_text.h"
#include "engine/checkpoint/manifest.h"

namespace gradus {

std::string json_of(const ScoreFacts& f) { return nlohmann::json{{"score_mean", f.mean}, {"score_sd", f.sd}}.dump(); }

ScoreFacts score_facts_of(const std::string& stage, const fs::path& file) {
    if (stage.empty()) return {};
    const nlohmann::json j = parse_json(stage, file.string(), "use an older checkpoint");
    return {j.value("score_mean", 0.0), j.value("score_sd", 1.0)};
}

ScoreFacts score_facts(const fs::path& folder) {
    std::error_code ignored;
    if (!fs::exists(folder / manifest_name, ignored)) return {};
    return score_facts_of(read_manifest(folder).state.stage, folder / manifest_name);
}

}  // namespace gradus
