// The families' part of the model settings.
#include "engine/settings/model.h"

#include "engine/models/family.h"

namespace gradus {

std::vector<Choice> family_choices() {
    std::vector<Choice> choices;
    for (const Family* f : families())
        choices.push_back({f->name, std::vector<std::string>(f->other_names.begin(), f->other_names.end())});
    return choices;
}

std::string family_summaries() {
    std::string text;
    for (const Family* f : families()) text += (text.empty() ? "" : "; ") + std::string(f->name) + ": " + f->summary;
    return text;
}

std::string shape_names() {
    std::string text;
    for (const Family* f : families())
        for (const NamedShape& shape : f->shapes) text += (text.empty() ? "" : ", ") + std::string(shape.name);
    return text;
}

}  // namespace gradus
