// Settings as errors and notes cite them: value and location.
#include "engine/base/error.h"
#include "engine/resolve/resolving.h"

namespace gradus {

std::string cited(const Config& c, const std::string& key) {
    Config copy = c;
    std::string text;
    for (const DeclaredSetting& s : declared(copy)) {
        const std::optional<Value> value = s.value();
        if (s.key == key) text = key + " = " + (value ? toml_text(*value) : "unset");
    }
    const auto written = c.written_at.find(key);
    return text + " (" + (written == c.written_at.end() ? "the default" : written->second) + ")";
}

void refuse_settings(const Config& c, const std::string& what, std::initializer_list<const char*> keys,
                     const std::string& fix) {
    std::string cause;
    for (const char* key : keys) cause += (cause.empty() ? "" : ", ") + cited(c, key);
    throw Error(what, cause, fix);
}

void Resolving::refuse(const std::string& what, std::initializer_list<const char*> keys, const std::string& fix) const {
    refuse_settings(c, what, keys, fix);
}

}  // namespace gradus
