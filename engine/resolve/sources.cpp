// Checks that the run has a folder, and that its data, model and length have one source each.
#include <fmt/format.h>

#include "engine/resolve/resolving.h"

namespace gradus {

void check_sources(const Config& c) {
    if (c.run.dir.empty()) refuse_settings(c, "the run has no folder", {"run.dir"}, "--set run.dir=runs/NAME");
    if (c.data.dir.empty() == c.data.train.empty())
        refuse_settings(
            c, c.data.dir.empty() ? "there is no data to train on" : "there are two sources of data",
            {"data.dir", "data.train"},
            c.data.dir.empty()
                ? "--set data.dir=FOLDER, a folder made by: gradus data prepare TEXTS --tokenizer FILE --out FOLDER"
                : "keep data.dir or data.train, not both");
    if (!c.model.name.empty() && !c.model.from.empty())
        refuse_settings(c, "the model has two sources", {"model.name", "model.from"},
                        "keep model.name or model.from, not both");
    const auto steps = c.written_at.find("train.steps");
    if (c.train.minutes > 0 && steps != c.written_at.end() && steps->second.starts_with("--"))
        refuse_settings(c, "the length of the run is given twice", {"train.steps", "train.minutes"},
                        fmt::format("--set train.minutes=0 for {} steps, or leave out train.steps", c.train.steps));
    if (c.sample.every > 0 && c.sample.prompts.empty())
        refuse_settings(c, "there is nothing to sample from", {"sample.every", "sample.prompts"},
                        "--set 'sample.prompts=[\"Once upon\"]'");
}

}  // namespace gradus
