#include "tools/bench/model/registers.h"

#include <toml++/toml.h>

#include "engine/base/error.h"

namespace gradus {

Registers read_registers(const std::string& file, int capability) {
    Registers registers;
    if (file.empty()) return registers;
    toml::table parsed;
    try {
        parsed = toml::parse_file(file);
    } catch (const toml::parse_error& e) {
        throw Error("cannot read the registers of kernels in " + file, std::string(e.description()),
                    "--registers tests/cuda/budgets.toml");
    }
    // The newest architecture that is not newer than the card.
    const toml::table* best = nullptr;
    int of_best = 0;
    for (const auto& [name, value] : parsed) {
        const std::string key(name.str());
        if (key.rfind("sm_", 0) != 0 || !value.is_table()) continue;
        const int architecture = std::atoi(key.c_str() + 3);
        if (architecture <= capability && architecture >= of_best) best = value.as_table(), of_best = architecture;
    }
    if (!best) return registers;
    for (const auto& [name, value] : *best)
        if (const toml::table* kernel = value.as_table())
            registers[std::string(name.str())] = int((*kernel)["registers"].value_or(0));
    return registers;
}

}  // namespace gradus
