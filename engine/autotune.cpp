#include "engine/autotune.h"

namespace gradus {

bool autotune(Trainer& trainer, const NextBatch& next_batch, const fs::path& file) {
    const MatmulTuning* tuning = trainer.model().run.ops.tuning;
    if (!tuning) return false;
    const Comm& world = trainer.mesh().world;
    std::error_code ignored;
    const std::string known = world.rank == 0 && fs::exists(file, ignored) ? read_file(file) : "";
    tuning->use(world.gather(known)[0]);

    tuning->measure(true);
    trainer.trial_pass(next_batch);
    tuning->measure(false);

    const std::string chosen = world.gather(tuning->choices())[0];
    tuning->use(chosen);
    if (world.rank == 0 && chosen != known) write_file_atomically(file, chosen);
    return true;
}

}  // namespace gradus
