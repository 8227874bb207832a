#pragma once
// Finds the recipe that a user names: a file, a run, or an included recipe.
#include <string>
#include <vector>

#include "engine/config.h"

namespace gradus {

struct FoundRecipe {
    fs::path file;
    fs::path run;  // the folder of the run, if a run was named; else empty
};

// PATH.toml; RUN, a folder with a recipe.toml; NAME or NAME.toml of an included recipe. Otherwise an Error that lists
// the included recipes.
FoundRecipe find_recipe(const std::string& path_or_name);

// The settings of find_recipe(), which must be of that stage, overridden by those of the command line. For a named run, run.dir is its current
// folder.
Config load_recipe(const std::string& path_or_name, const std::vector<std::string>& assignments,
                   Stage stage = Stage::pretrain);

// The stage that a recipe is of (engine/config.h).
Stage stage_of_recipe(const std::string& path_or_name);

// A file that is installed beside the recipes: "align/principles.jsonl". Error if it is not there.
fs::path included_file(const std::string& name);

// The names of the included recipes: of the source tree that the program was built in, or of its installation.
std::vector<std::string> recipe_names();

}  // namespace gradus
