#include "align/examples/formats.h"

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/one_line.h"
#include "engine/base/suggest.h"

namespace gradus {

const std::vector<Format>& formats() {
    static const std::vector<Format> all = [] {
        std::vector<Format> list = exported_formats();
        for (const auto& some : {judged_formats(), chat_formats()}) list.insert(list.end(), some.begin(), some.end());
        return list;
    }();
    return all;
}

std::string format_names() {
    std::string list;
    for (const Format& f : formats()) list += (list.empty() ? "" : ", ") + std::string(f.name);
    return list;
}

const Format& format_named(const std::string& name) {
    std::vector<std::string> names;
    for (const Format& f : formats()) {
        if (name == f.name) return f;
        names.push_back(f.name);
    }
    const std::string meant = nearest_name(name, names);
    throw Error("there is no format " + shown(name),
                meant.empty() ? "no format of data has this name" : "did you mean '" + meant + "'?",
                "use one of " + format_names() + ", or leave it out to have it detected");
}

const Format* format_of(const Json& record) {
    if (record.is_object())
        for (const Format& f : formats())
            if (f.fits(record)) return &f;
    return nullptr;
}

void add_preference(FromRecord& out, Preference p) {
    if (p.chosen == p.rejected) ++out.skipped["chosen and rejected are equal"];
    else out.examples.push_back(std::move(p));
}

void add_ranking(FromRecord& out, Fields& record, Ranking r) {
    if (r.answers.size() != r.ranks.size())
        record.fail("it has " + std::to_string(r.answers.size()) + " answers but " + std::to_string(r.ranks.size()) +
                    " ranks");
    else if (r.answers.size() < 2) record.fail("a ranking needs two answers or more");
    else if (std::any_of(r.ranks.begin(), r.ranks.end(), [](int rank) { return rank < 1; }))
        record.fail("a rank is below 1, where 1 is the best");
    else if (std::all_of(r.ranks.begin(), r.ranks.end(), [&](int rank) { return rank == r.ranks[0]; }))
        ++out.skipped["all answers are ranked equal"];
    else out.examples.push_back(std::move(r));
}

}  // namespace gradus
