// The order of resolution, and what to change if the ranks cannot divide the run.
#include "engine/base/error.h"
#include "engine/resolve/mesh_change.h"
#include "engine/resolve/resolving.h"
#include "engine/resolve/same_run.h"

namespace gradus {

namespace {

struct Sharing {  // settings that do not work on this mesh but may on another
    Error error;
};

Resolved resolve_settings(Resolving r) {
    check_sources(r.c);
    Resolved all;
    all.model = resolve_model(r);
    check_schedule(r);
    check_rounding(r);
    all.dtype = r.c.train.dtype == "bf16" ? DType::bf16 : DType::f32;
    all.cuda = r.c.train.device == "cuda";
    all.masked = r.c.data.packing == "masked";
    int64_t micro_batch = 1;
    try {
        all.mesh = resolve_mesh(r);
        micro_batch = resolve_micro_batch(r, all.model, all.mesh);
        require_divisible(all.model, int(micro_batch * r.c.train.context), all.mesh.tp);
    } catch (const Error& e) { throw Sharing{e}; }
    all.shape = {.B = int(micro_batch), .T = int(r.c.train.context)};
    all.mode = {.training = true,
                .recompute = r.c.train.recompute,
                .parts = r.c.optimizer.sharded && r.c.optimizer.kind != "muon" ? all.mesh.dp : 1,
                .graphs = r.c.train.graphs};
    all.trainer = trainer_config(r.c, micro_batch);
    all.tokens_per_step = r.c.train.batch * r.c.train.context;
    all.config = r.c;
    all.identity = identity_of(r.c, r.data);
    note_unused(r);
    all.notes = r.notes;
    return all;
}

}  // namespace

Resolved resolve(const Config& config, const DataFacts& data, const std::optional<ModelConfig>& base, int ranks) {
    try {
        return resolve_settings({config, data, base, ranks});
    } catch (const Sharing& refused) {
        const std::string change = mesh_change(config, ranks, [&](const Config& other, int of_ranks) {
            try {
                resolve_settings({other, data, base, of_ranks});
                return true;
            } catch (const Error&) { return false; } catch (const Sharing&) {
                return false;
            }
        });
        const Error& e = refused.error;
        throw Error(e.what(), e.cause, change.empty() ? e.fix : change);
    }
}

}  // namespace gradus
