#pragma once
// Settings as written in a TOML file or as `key=value` on the command line, each with its location. Which keys exist
// and which values they allow is declared elsewhere (engine/base/settings.h).
//
// File format: TOML 1.0, https://toml.io/en/v1.0.0. [tables] and dotted keys give dotted names; values are strings,
// whole numbers, numbers, true or false, and lists of strings.
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/file.h"

namespace gradus {

using Value = std::variant<bool, int64_t, double, std::string, std::vector<std::string>>;

struct Setting {
    std::string key;  // "optimizer.lr"
    Value value;
    std::string where;  // "recipe.toml:12:7" or "--set optimizer.lr=1e-3"
    std::string typed;  // on the command line, for a string that looks like a number: the value as typed; else empty
};

// In the order of the file. Error with file:line:column where it is not TOML, a key is repeated (TOML forbids it) or a
// value has a type that no setting has (a date, a table in a list).
std::vector<Setting> read_settings(const fs::path& file);
std::vector<Setting> parse_settings(const std::string& toml, const std::string& file);

// "key=value", the value as in a file. A value that is not TOML is a string, so that quotes can be left out; so is a
// date or a time.
Setting parse_assignment(const std::string& assignment);

// A value as TOML, such that parse_settings reads the same value again.
std::string toml_text(const Value&);
// "a whole number", "a string", …
std::string kind_of(const Value&);

}  // namespace gradus
