// The length of sequences, and the number of positions of the model.
#include <fmt/format.h>

#include "engine/resolve/resolving.h"

namespace gradus {

namespace {

void require_learned_positions(Resolving& r, const ModelConfig& m) {
    const int64_t context = r.c.train.context, positions = r.c.model.context;
    if (context > positions)
        r.refuse(
            fmt::format("sequences of {} tokens are longer than the model's {} learned positions", context, positions),
            {"train.context", "model.context"}, fmt::format("--set train.context={}", positions));
    if (r.base && positions != m.context)
        r.refuse(fmt::format("the model to start from has {} learned positions", m.context), {"model.context"},
                 "leave out model.context");
    if (!r.base && context < positions)
        r.notes.push_back(fmt::format(
            "train.context = {} leaves the positions from there to model.context = {} untrained", context, positions));
}

}  // namespace

void resolve_contexts(Resolving& r, const ModelConfig& m) {
    int64_t &context = r.c.train.context, &positions = r.c.model.context;
    const bool asked = positions != 0;
    if (!asked) positions = m.context;
    if (context == 0) context = positions;
    if (context == 0)
        r.refuse("the length of a sequence is not specified", {"train.context", "model.context"},
                 "--set train.context=256");
    if (m.position == Position::learned) return require_learned_positions(r, m);
    if (context <= positions) return;
    // Rotary positions have no limit: they extend to the length of a sequence unless model.context was written.
    if (asked)
        r.refuse(fmt::format("sequences of {} tokens are longer than the model's {} positions", context, positions),
                 {"train.context", "model.context"},
                 fmt::format("--set model.context={0}, or --set train.context={1}", context, positions));
    r.notes.push_back(fmt::format("model.context is {}, as train.context; {} has {}", context,
                                  r.base ? "the model to start from" : r.c.model.name, positions));
    positions = context;
}

}  // namespace gradus
