#pragma once
// For the families' files: reads a config.json with errors that name the key, and splits our names of weights.
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json_fwd.hpp>

namespace gradus {

class ConfigReader {
public:
    ConfigReader(const nlohmann::json& object, std::string file);

    bool has(const char* key) const;  // present and not null
    int integer(const char* key) const;
    int integer_or(const char* key, int otherwise) const;
    double number(const char* key) const;
    double number_or(const char* key, double otherwise) const;
    bool flag_or(const char* key, bool otherwise) const;
    std::string text_or(const char* key, const std::string& otherwise) const;
    // Values that the forward pass does not need: ignored if invalid.
    double number_hint(const char* key, double otherwise) const;
    int id_hint(const char* key, int V) const;  // an id or the first valid one of a list, below V; −1: none
    ConfigReader object(const char* key) const;

    // Error if the file requires something unsupported.
    void require(const char* key, std::initializer_list<const char*> supported, const char* otherwise) const;
    void require_flag(const char* key, bool supported) const;

private:
    const nlohmann::json* object_;
    std::string file_;
    [[noreturn]] void fail(const char* key, const std::string& problem) const;
};

// The value as an id below V; empty: it is not one.
std::optional<int32_t> id_below(int V, const nlohmann::json& value);

// "block.3.attention.out_w" → {"3", "attention.out_w"}
std::pair<std::string, std::string> split_block_name(const std::string& name);

}  // namespace gradus
