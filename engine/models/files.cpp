#include "engine/models/files.h"

#include <climits>
#include <cmath>

namespace gradus {

ConfigReader::ConfigReader(const nlohmann::json& object, std::string file) : object_(&object), file_(std::move(file)) {
    if (!object.is_object())
        throw Error("'" + file_ + "' is not a model description", "it holds no JSON object",
                    "point at a folder with the config.json of a GPT-2 or LLaMA model");
}

void ConfigReader::fail(const char* key, const std::string& problem) const {
    throw Error("'" + file_ + "' does not describe a model that can be read here",
                std::string("key \"") + key + "\" " + problem, "use a GPT-2 or LLaMA model, or mend that key");
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
    if (value->is_array() && !value->empty()) value = &value->front();
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

ConfigReader ConfigReader::object(const char* key) const {
    if (!object_->at(key).is_object()) fail(key, "is not an object: " + object_->at(key).dump());
    return ConfigReader(object_->at(key), file_);
}

void ConfigReader::require(const char* key, std::initializer_list<const char*> supported, const char* otherwise) const {
    const std::string value = text_or(key, otherwise);
    for (const char* s : supported)
        if (value == s) return;
    fail(key, "is \"" + value + "\", which is not computed here");
}

void ConfigReader::require_flag(const char* key, bool supported) const {
    if (flag_or(key, supported) != supported)
        fail(key, std::string("is ") + (supported ? "false" : "true") + ", which is not computed here");
}

std::pair<std::string, std::string> split_block_name(const std::string& name) {
    const size_t first = name.find('.'), second = name.find('.', first + 1);
    CHECK(name.rfind("block.", 0) == 0 && second != std::string::npos, name);
    return {name.substr(first + 1, second - first - 1), name.substr(second + 1)};
}

}  // namespace gradus
