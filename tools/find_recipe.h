#pragma once
// The recipe that a user means: a file, a run, or one of the recipes that come with gradus, by its name.
#include <string>
#include <vector>

#include "engine/config.h"

namespace gradus {

struct FoundRecipe {
    fs::path file;
    fs::path run;  // the folder of the run that was named; else empty
};

// PATH.toml; RUN, a folder with a recipe.toml; NAME or NAME.toml of the recipes that come along. Error with those names
// where it is none of them.
FoundRecipe find_recipe(const std::string& path_or_name);

// The settings of find_recipe(), then those of the command line. A run that was named is run.dir, wherever it lies now.
Config load_recipe(const std::string& path_or_name, const std::vector<std::string>& assignments);

// The names of the recipes that come along: of the source tree that the program was built in, or of its installation.
std::vector<std::string> recipe_names();

}  // namespace gradus
