#pragma once
// For the families' files: a config.json read with errors that name the key, and our names of weights taken apart.
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
    // Values that computing does not need: taken where they are valid, else ignored.
    double number_hint(const char* key, double otherwise) const;
    int id_hint(const char* key, int V) const;  // the first id of one or a list that V ids include; −1: none
    ConfigReader object(const char* key) const;

    // Error where the file asks for something that this program does not compute.
    void require(const char* key, std::initializer_list<const char*> supported, const char* otherwise) const;
    void require_flag(const char* key, bool supported) const;

private:
    const nlohmann::json* object_;
    std::string file_;
    [[noreturn]] void fail(const char* key, const std::string& problem) const;
};

// The value as an id of a vocabulary of V.
std::optional<int32_t> id_below(int V, const nlohmann::json& value);

// "block.3.attention.out_w" → {"3", "attention.out_w"}
std::pair<std::string, std::string> split_block_name(const std::string& name);

}  // namespace gradus
