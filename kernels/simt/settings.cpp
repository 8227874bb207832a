#include "kernels/simt/settings.h"

#include <charconv>
#include <cstdlib>
#include <sstream>

#include "engine/base/error.h"

namespace gradus::simt {

namespace {

[[noreturn]] void refuse(const std::string& word) {
    throw Error("cannot read '" + word + "' in the settings of the GPU emulator (GRADUS_SIMT)",
                "the settings are seed=NUMBER, copies=early or copies=late, resident=1 to resident=1024, memory=MIB, "
                "and capability=80 or capability=90",
                "export GRADUS_SIMT=\"seed=3 copies=late resident=2\"");
}

template <class Integer>
Integer number(const std::string& word, const std::string& digits) {
    Integer value = 0;
    const char* end = digits.data() + digits.size();
    const auto result = std::from_chars(digits.data(), end, value);
    if (digits.empty() || result.ec != std::errc() || result.ptr != end) refuse(word);
    return value;
}

Settings checked(const Settings& wanted) {
    if (wanted.capability != 80 && wanted.capability != 90) refuse("capability=" + std::to_string(wanted.capability));
    if (wanted.resident < 1 || wanted.resident > 1024) refuse("resident=" + std::to_string(wanted.resident));
    return wanted;
}

Settings& in_use() {
    static Settings current = [] {
        const char* text = std::getenv("GRADUS_SIMT");
        return text ? parse_settings(text) : Settings{};
    }();
    return current;
}

}  // namespace

Settings parse_settings(const std::string& text) {
    Settings parsed;
    std::istringstream words(text);
    for (std::string word; words >> word;) {
        const size_t equals = word.find('=');
        const std::string name = word.substr(0, equals), value = equals == word.npos ? "" : word.substr(equals + 1);
        if (name == "seed") {
            parsed.seed = number<uint64_t>(word, value);
        } else if (name == "resident") {
            parsed.resident = number<int>(word, value);
        } else if (name == "memory") {
            parsed.memory = number<uint32_t>(word, value);
        } else if (name == "capability") {
            parsed.capability = number<int>(word, value);
        } else if (name == "copies" && (value == "early" || value == "late")) {
            parsed.copies = value == "early" ? Copies::early : Copies::late;
        } else {
            refuse(word);
        }
    }
    return checked(parsed);
}

void use(const Settings& wanted) { in_use() = checked(wanted); }

const Settings& settings() { return in_use(); }

}  // namespace gradus::simt
