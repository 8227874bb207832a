#include "tools/launch/run_start.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/log.h"
#include "engine/base/plural.h"
#include "tools/device.h"

namespace gradus {

void lock_new_folder(const fs::path& folder, std::optional<FolderLock>& lock) {
    std::error_code problem;
    make_folder(folder);
    lock.emplace(folder);
    if (fs::exists(folder / "log.jsonl", problem))
        throw Error("another run began in '" + folder.string() + "' in the meantime", "it now has a log.jsonl",
                    "--set run.dir=OTHER, or the same command again to resume that run");
}

void require_same_run_on(const MpiWorld& world, const Resolved& r) {
    if (world.size() == 1) return;
    Config c = r.config;
    c.train.threads = 0;  // of a host
    require_agreement(
        world, {{"program", program_identity(), "copy one build of gradus to every machine"},
                {"recipe", recipe_text(c), "start every rank with the same recipe and the same --set"},
                {"data set", r.identity, "give every machine the same data, the same tokenizer and the same models"}});
}

void require_device_memory(const MpiWorld& world, const Resolved& r, const DataFacts& data, const Ops& ops) {
    if (r.config.train.device == "cpu") return;
    const int gpus = r.cuda && r.config.train.gpu < 0 ? std::max(cuda_devices(), 1) : 1,
              sharing = (world.local_size() + gpus - 1) / gpus;
    world.all().barrier();  // no rank allocates before all have queried the free memory
    const double free = double(ops.memory().free) / sharing;
    world.all().barrier();
    Devices devices = parse_devices(fmt::format("{}xH100", world.size()));
    devices.device.matmul_workspace = ops.matmul_workspace;
    devices.device.logit_rows = ops.logit_rows;
    require_memory({.config = r.config, .data = data, .base = r.model, .devices = devices}, free);
}

namespace {

// A command that uses a model of that stage.
std::string use_of(Stage stage, const fs::path& folder) {
    if (stage == Stage::reward) return fmt::format("gradus score {} FILE", folder.string());
    if (stage == Stage::pretrain) return fmt::format("gradus generate {} --prompt TEXT", folder.string());
    return "gradus chat " + folder.string();
}

bool ended_early(const Config& c, int64_t step, const BestValidation& best) {
    return step < c.train.steps && c.validation.patience > 0 && best.without >= c.validation.patience;
}

}  // namespace

bool keeps_best(const Config& c) { return c.validation.keep_best || c.validation.patience > 0; }

std::string ending(const Config& c, const RunState& run) {
    std::string lines;
    if (ended_early(c, run.step, run.best))
        lines += fmt::format("early    ended after step {}: {} without a lower loss (validation.patience)\n",
                             text_of_whole(run.step), number_of(run.best.without, "validation"));
    if (c.optimizer.average > 0)
        lines += fmt::format("average  of the weights, decay {}: {}\n", c.optimizer.average,
                             use_of(c.stage, fs::path(c.run.dir) / "checkpoints" / "latest" / averaged_folder));
    if (run.best.step == 0 || !keeps_best(c)) return lines;
    return lines + fmt::format("best     validation loss {:.4f}, after step {}: {}\n", run.best.loss,
                               text_of_whole(run.best.step),
                               run.best.kept ? use_of(c.stage, fs::path(c.run.dir) / "checkpoints" / "best")
                                             : "its checkpoint was not kept");
}

bool is_finished(const std::optional<ResumePoint>& resume, const Config& c) {
    if (!resume) return false;
    const bool early = ended_early(c, resume->state.step, resume->state.best);
    const bool finished = resume->state.step >= c.train.steps || early;
    if (early)
        tell(fmt::format(
            "this run has ended after {} of its {} steps, for want of a lower validation loss; it goes on with a "
            "larger validation.patience\n",
            text_of_whole(resume->state.step), text_of_whole(c.train.steps)));
    else if (finished)
        tell(fmt::format("this run has finished all of its {} steps: {}\n", text_of_whole(c.train.steps),
                         resume->folder.string()));
    else
        tell(fmt::format("resume   after step {} of {}, from {}\n", resume->state.step, c.train.steps,
                         resume->folder.string()));
    return finished;
}

bool ShowRate::is_due(bool always) {
    using namespace std::chrono_literals;
    const auto now = std::chrono::steady_clock::now();
    if (!always && now - shown_ < (is_terminal(stdout) ? 250ms : 10s)) return false;
    shown_ = now;
    return true;
}

}  // namespace gradus
