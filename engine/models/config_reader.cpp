#include "engine/models/config_reader.h"

#include <climits>
#include <cmath>

#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/base/one_line.h"
#include "engine/models/family.h"

namespace gradus {

ConfigReader::ConfigReader(const nlohmann::json& object, std::string file) : object_(&object), file_(std::move(file)) {
    if (!object.is_object())
        throw Error("'" + file_ + "' is not a model description", "it is not a JSON object",
                    "give a folder with the config.json of a " + titles_of_families() + " model");
}

void ConfigReader::fail(const char* key, const std::string& problem) const {
    throw Error("'" + file_ + "' does not describe a model that can be read here",
                std::string("key \"") + key + "\" " + on_one_line(problem, 160),
                "use a " + titles_of_families() + " model, or correct that key");
}

bool ConfigReader::has(const char* key) const {
    const auto found = object_->find(key);
    return found != object_->end() && !found->is_null();
}

int ConfigReader::integer(const char* key) const {
    if (!has(key)) fail(key, "is missing");
    return integer_or(key, 0);
}

int ConfigReader::integer_or(const char* key, int otherwise) const {
    if (!has(key)) return otherwise;
    const nlohmann::json* value = &object_->at(key);
    if (!value->is_number_integer()) fail(key, "is not a whole number: " + value->dump());
    const double wide = value->get<double>();
    if (std::abs(wide) > INT_MAX) fail(key, "is out of range: " + value->dump());
    return value->get<int>();
}

double ConfigReader::number(const char* key) const {
    if (!has(key)) fail(key, "is missing");
    return number_or(key, 0);
}

double ConfigReader::number_or(const char* key, double otherwise) const {
    if (!has(key)) return otherwise;
    if (!object_->at(key).is_number()) fail(key, "is not a number: " + object_->at(key).dump());
    return object_->at(key).get<double>();
}

bool ConfigReader::flag_or(const char* key, bool otherwise) const {
    if (!has(key)) return otherwise;
    if (!object_->at(key).is_boolean()) fail(key, "is neither true nor false: " + object_->at(key).dump());
    return object_->at(key).get<bool>();
}

std::string ConfigReader::text_or(const char* key, const std::string& otherwise) const {
    if (!has(key)) return otherwise;
    if (!object_->at(key).is_string()) fail(key, "is not a string: " + object_->at(key).dump());
    return object_->at(key).get<std::string>();
}

double ConfigReader::number_hint(const char* key, double otherwise) const {
    return has(key) && object_->at(key).is_number() ? object_->at(key).get<double>() : otherwise;
}

int ConfigReader::id_hint(const char* key, int V) const {
    if (!has(key)) return -1;
    const nlohmann::json& said = object_->at(key);
    for (const nlohmann::json& id : said.is_array() ? said : nlohmann::json::array({said}))
        if (const auto known = id_below(V, id)) return *known;
    return -1;
}

ConfigReader ConfigReader::object(const char* key) const {
    if (!object_->at(key).is_object()) fail(key, "is not an object: " + object_->at(key).dump());
    return ConfigReader(object_->at(key), file_);
}

void ConfigReader::require(const char* key, std::initializer_list<const char*> supported, const char* otherwise) const {
    const std::string value = text_or(key, otherwise);
    for (const char* s : supported)
        if (value == s) return;
    fail(key, "is \"" + value + "\", which is not supported");
}

void ConfigReader::require_flag(const char* key, bool supported) const {
    if (flag_or(key, supported) != supported)
        fail(key, std::string("is ") + (supported ? "false" : "true") + ", which is not supported");
}

std::optional<int32_t> id_below(int V, const nlohmann::json& value) {
    if (!value.is_number_integer() || value < 0 || value >= V) return {};
    return value.get<int32_t>();
}

std::pair<std::string, std::string> split_block_name(const std::string& name) {
    const size_t first = name.find('.'), second = name.find('.', first + 1);
    CHECK(name.rfind("block.", 0) == 0 && second != std::string::npos, name);
    return {name.substr(first + 1, second - first - 1), name.substr(second + 1)};
}

}  // namespace gradus
