#include "tools/find_recipe.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/base/error.h"
#include "engine/base/suggest.h"

namespace gradus {

namespace {

// PREFIX/share/gradus/recipes for PREFIX/bin/gradus; else tools/recipes of the source tree that contains the program.
fs::path recipes_folder() {
    std::error_code ignored;
    const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
    const fs::path installed = program.parent_path().parent_path() / "share" / "gradus" / "recipes";
    if (fs::is_directory(installed, ignored)) return installed;
    for (fs::path folder = program.parent_path(); folder.has_relative_path(); folder = folder.parent_path())
        if (fs::is_regular_file(folder / "tools" / "recipes" / "quickstart.toml", ignored))
            return folder / "tools" / "recipes";
    return {};
}

// Those of pre-training, then those of the stages after it.
std::vector<fs::path> folders_of_recipes() {
    const fs::path all = recipes_folder();
    return {all, all / "align"};
}

std::string stem_of(const fs::path& path) { return path.extension() == ".toml" ? path.stem() : path.filename(); }

Error no_recipe(const std::string& given) {
    const std::vector<std::string> names = recipe_names();
    std::string list;
    for (const std::string& n : names) list += (list.empty() ? "" : ", ") + n;
    const std::string near = nearest_name(stem_of(given), names);
    return Error("there is no recipe '" + given + "'",
                 "no such file" + (list.empty() ? "" : "; the included recipes are " + list),
                 near.empty() ? "give the path of a recipe, the folder of a run, or one of those names"
                              : "did you mean '" + near + "'?");
}

// A folder that is not a run but may be part of one.
Error no_run(const fs::path& folder) {
    std::error_code ignored;
    std::string fix = "give the folder of a run, or a recipe and --set run.dir=" + folder.string();
    if (fs::exists(folder / "train.bin", ignored))
        fix = "to train on this data: gradus pretrain quickstart --data.dir=" + folder.string() + " --run.dir=OTHER";
    else if (fs::exists(folder / "config.json", ignored)) {
        const fs::path run = fs::canonical(folder, ignored).parent_path().parent_path();
        fix = fs::exists(run / "recipe.toml", ignored)
                  ? "to resume its run: gradus pretrain " + run.lexically_proximate(fs::current_path(ignored)).string()
                  : "to start from this model: gradus pretrain RECIPE --model.from=" + folder.string();
    }
    return Error("'" + folder.string() + "' is a folder without a recipe", "it has no recipe.toml, so it is not a run",
                 fix);
}

}  // namespace

std::vector<std::string> recipe_names() {
    std::vector<std::string> names;
    std::error_code ignored;
    for (const fs::path& folder : folders_of_recipes())
        for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored))
            if (entry.path().extension() == ".toml") names.push_back(entry.path().stem());
    std::sort(names.begin(), names.end());
    return names;
}

fs::path included_file(const std::string& name) {
    std::error_code ignored;
    const fs::path file = recipes_folder() / name;
    if (fs::is_regular_file(file, ignored)) return file;
    throw Error("the included file '" + name + "' is missing",
                "it is neither in PREFIX/share/gradus/recipes nor in tools/recipes of the source tree",
                "install gradus again: cmake --install build/release --prefix PREFIX");
}

FoundRecipe find_recipe(const std::string& given) {
    std::error_code ignored;
    if (fs::is_directory(given, ignored)) {
        if (fs::exists(fs::path(given) / "recipe.toml", ignored)) return {fs::path(given) / "recipe.toml", given};
        throw no_run(given);
    }
    if (fs::exists(given, ignored)) return {given, {}};
    if (fs::path(given).has_parent_path()) throw no_recipe(given);
    for (const fs::path& folder : folders_of_recipes()) {
        const fs::path known = folder / (stem_of(given) + ".toml");
        if (!fs::exists(known, ignored)) continue;
        const fs::path near = known.lexically_proximate(fs::current_path(ignored));
        return {near.begin() != near.end() && *near.begin() == ".." ? known : near, {}};
    }
    throw no_recipe(given);
}

Stage stage_of_recipe(const std::string& given) { return stage_of(read_settings(find_recipe(given).file)); }

Config load_recipe(const std::string& given, const std::vector<std::string>& assignments, Stage stage) {
    const FoundRecipe found = find_recipe(given);
    const char* const own = of_stage(stage_of(read_settings(found.file))).name;
    // A recipe without a section of a stage may be of any, unless it was written by a run.
    if (const std::string asked = of_stage(stage).name;
        own != asked && (own != std::string("pretrain") || !found.run.empty()))
        throw Error(fmt::format("'{}' is {} of gradus {}", given, found.run.empty() ? "a recipe" : "a run", own),
                    fmt::format("{} has {}", found.file.string(),
                                own == std::string("pretrain") ? "no section [" + asked + "]"
                                                               : "a section [" + std::string(own) + "]"),
                    found.run.empty() ? fmt::format("gradus {} {}", own, given)
                                      : fmt::format("to resume it: gradus {1} {0}; to start from it: gradus {2} RECIPE "
                                                    "--model.from={0} --run.dir=OTHER",
                                                    given, own, asked));
    Config config = load_config(found.file, {}, stage);
    if (!found.run.empty()) {
        config.run.dir = found.run.string();
        config.written_at["run.dir"] = "the folder that was given";
    }
    for (const std::string& a : assignments) apply_settings(config, {parse_assignment(a)});
    return config;
}

}  // namespace gradus
