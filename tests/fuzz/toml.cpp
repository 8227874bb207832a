// Recipes and settings: any bytes are an Error or settings, and settings that were taken are written as a recipe that gives
// the same settings again.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "engine/base/error.h"
#include "engine/config.h"

using namespace gradus;

namespace {

// Of settings with each value of its kind within its limits; but for NaN, which has none.
void require_same_again(const Config& config) {
    const std::string text = recipe_text(config);
    Config again;
    apply_settings(again, parse_settings(text, "again"));  // an Error here is a finding
    if (recipe_text(again) != text) std::abort();
}

void require_same_value(const Setting& s) {
    if (const auto* x = std::get_if<double>(&s.value); x && std::isnan(*x)) return;
    const std::string text = toml_text(s.value);
    const std::vector<Setting> again = parse_settings("x = " + text, "again");
    if (again.size() != 1 || again[0].value != s.value) std::abort();
}

void read_recipe(const std::string& text) {
    std::vector<Setting> settings;
    try {
        settings = parse_settings(text, "recipe");
    } catch (const Error& e) {
        if (e.cause.empty() || e.fix.empty()) std::abort();
        return;
    }
    for (const Setting& s : settings) {
        require_same_value(s);
        Config config;
        try {
            apply_settings(config, {s});
        } catch (const Error&) { continue; }
        require_same_again(config);
    }
}

void read_assignment(const std::string& text) {
    Config config;
    try {
        const Setting s = parse_assignment(text);
        require_same_value(s);
        apply_settings(config, {s});
    } catch (const Error&) { return; }
    require_same_again(config);
}

void suggest(const std::string& text) {
    const std::string meant = setting_meant<Config>(text);
    if (meant.empty()) return;
    for (const std::string& name : setting_names<Config>())
        if (name == meant) return;
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    read_recipe(text);
    const std::string line = text.substr(0, text.find('\n'));
    read_assignment(line);
    suggest(line.substr(0, line.find('=')));
    return 0;
}
