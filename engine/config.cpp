#include "engine/config.h"

namespace gradus {

std::vector<DeclaredSetting> declared(Config& config) { return collect_settings(config); }

Config load_config(const fs::path& recipe, const std::vector<std::string>& assignments) {
    Config config;
    apply_settings(config, read_settings(recipe));
    for (const std::string& a : assignments) apply_settings(config, {parse_assignment(a)});
    return config;
}

}  // namespace gradus
