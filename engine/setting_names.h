#pragma once
// "did you mean", for settings and for their choices: names that other programs use, and names that were mistyped.
#include <string>
#include <vector>

namespace gradus {

// Every key there is, in the order of Config::each.
std::vector<std::string> setting_names();

// The setting that was meant by a key that does not exist, or "". `optimizer.learning_rate` means `optimizer.lr`.
std::string setting_meant(const std::string& key);

// The choice of that setting that was meant by another value, or "". `gpu` means `cuda` as train.device.
std::string choice_meant(const std::string& key, const std::string& value, const std::vector<std::string>& choices);

}  // namespace gradus
