// gradus plan: predicts what a run will need.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "engine/base/log.h"
#include "engine/checkpoint/weights.h"
#include "engine/plan/report.h"
#include "tools/cli.h"
#include "tools/device.h"
#include "tools/find_recipe.h"
#include "tools/model_folder.h"
#include "tools/train/data.h"

namespace gradus {

namespace {

struct PlanCommand {
    std::string recipe, devices, mesh;
    std::vector<std::string> set;
    double price = 0, tflops = 0, memory = 0;
    bool json = false;
};

// "dp=4,tp=2" as the settings mesh.dp and mesh.tp.
std::vector<std::string> settings_of_mesh(const std::string& text) {
    std::vector<std::string> settings;
    for (size_t start = 0; start < text.size();) {
        const size_t end = std::min(text.find(',', start), text.size());
        const std::string part = text.substr(start, end - start);
        if (!part.starts_with("dp=") && !part.starts_with("tp="))
            throw Error(fmt::format("--mesh '{}' cannot be read", text),
                        fmt::format("'{}' is neither dp=N nor tp=N", part), "--mesh dp=4,tp=2");
        settings.push_back("mesh." + part);
        start = end + 1;
    }
    return settings;
}

// The vocabulary of the data if it exists, else of the model; the data need not be prepared yet.
DataFacts facts_of(const Config& c, const std::optional<ModelConfig>& base, double& mapped_bytes) {
    std::error_code ignored;
    std::vector<fs::path> train;
    for (const std::string& prefix : c.data.train) train.emplace_back(prefix);
    if (!c.data.dir.empty()) train.push_back(fs::path(c.data.dir) / "train");
    if (!train.empty() && has_shard(train.front())) {
        for (const fs::path& prefix : train)
            for (const char* suffix : {".bin", ".idx"}) {
                const auto size = fs::file_size(prefix.string() + suffix, ignored);
                if (!ignored) mapped_bytes += double(size);
            }
        return open_data(c).facts;
    }
    DataFacts facts;
    if (c.model.vocab > 0) facts.vocab = int(c.model.vocab);
    else if (base) facts.vocab = base->V;
    else if (!c.model.name.empty()) facts.vocab = named_model(c.model.name).V;
    else
        throw Error("the vocabulary size is not specified",
                    train.empty() ? "neither the model nor its data is named"
                                  : fmt::format("the data '{}' does not exist yet", train.front().string()),
                    "--set model.vocab=N, the vocabulary size of the tokenizer");
    return facts;
}

// The check of resolve() for the number of ranks, here for the number of devices.
void require_mesh_of(const Devices& devices, const Config& c) {
    const int64_t tp = std::max<int64_t>(c.mesh.tp, 1), needed = std::max<int64_t>(c.mesh.dp, 1) * tp;
    if (devices.count == 0 || (c.mesh.dp == 0 ? devices.count % tp == 0 : devices.count == needed)) return;
    const int64_t devices_for_tp = devices.count % tp == 0 ? tp : 1;
    throw Error(fmt::format("the mesh needs {}{} devices, but --devices has {}", c.mesh.dp == 0 ? "a multiple of " : "",
                            needed, devices.count),
                fmt::format("mesh.dp = {}, mesh.tp = {}", c.mesh.dp, c.mesh.tp),
                fmt::format("--devices {}x{}, or --mesh dp={},tp={}", needed, devices.device.name,
                            devices.count / devices_for_tp, devices_for_tp));
}

void plan(const PlanCommand& o) {
    PlanRequest request;
    // Before --set, so that a setting that the plan suggests takes precedence when it is added to the command line.
    std::vector<std::string> settings = settings_of_mesh(o.mesh);
    settings.insert(settings.end(), o.set.begin(), o.set.end());
    request.config = load_recipe(o.recipe, settings, stage_of_recipe(o.recipe));
    Config& c = request.config;
    const bool samples = c.stage == Stage::ppo || c.stage == Stage::grpo;
    if (samples) c.train.batch = c.rollouts().batch;
    if (c.stage != Stage::pretrain)
        note(fmt::format("FLOPs and time are those of one pass over {} sequences of train.context tokens{}",
                         c.train.batch,
                         samples ? "; sampling, scores and the other models' passes are not in them" : ""));
    if (!c.model.from.empty())
        request.base = read_model(c.model.from, VerifyLevel::config,
                                  [](const LockedFolder& folder) { return read_model_config(folder.path); });
    request.data = facts_of(c, request.base, request.mapped_bytes);
    request.devices = parse_devices(!o.devices.empty() ? o.devices : c.train.device == "cuda" ? "H100" : "cpu");
    require_mesh_of(request.devices, c);
    request.price = o.price;
    request.tflops = o.tflops;
    request.memory_gib = o.memory;
    use_threads(int(c.train.threads));
    request.threads = threads_in_use();
    if (request.devices.device.is_cpu() && o.memory == 0) {  // the ranks share this machine's memory
        const double machine = gib_of_this_machine();
        const double ranks = double(std::max<int64_t>(1, c.mesh.dp) * c.mesh.tp);
        request.memory_gib = machine / (request.devices.count > 0 ? request.devices.count : ranks);
    }

    const Plan plan = make_plan(request);
    const std::vector<Alternative> others = plan.fits() ? std::vector<Alternative>() : alternatives(request, plan);
    for (const std::string& n : plan.resolved.notes) note(n);
    if (o.json) fmt::print("{}\n", plan_json(plan, others).dump());
    else fmt::print("{}", plan_text(plan, others));
}

}  // namespace

void add_plan_command(CLI::App& app) {
    auto o = std::make_shared<PlanCommand>();
    CLI::App* command = app.add_subcommand(
        "plan",
        "Predicts what a run of `gradus pretrain` will need, without running it and without its devices: parameters, "
        "memory per rank,\n"
        "FLOPs, communication, and for known devices time and cost. If it does not fit, settings that would are "
        "listed.\n\n"
        "Example: gradus plan gpt2-1558m --devices 8xH100 --price 2.5");
    command->add_option("RECIPE", o->recipe, "file of settings, a run, or the name of an included recipe")->required();
    add_set_option(*command, o->set, "the file");
    command->add_option("--devices", o->devices,
                        "8xH100: number and kind (A100-40, A100-80, H100, H100-PCIe, H200, B200, cpu); default: the "
                        "recipe's device, as many as the mesh needs");
    command->add_option("--mesh", o->mesh,
                        "dp=4,tp=2: the same as --set mesh.dp=4 --set mesh.tp=2; dp=0: number of devices / tp");
    command->add_option("--price", o->price, "price of a device per hour, in any currency")
        ->check(number_between(0.0, 1e6));
    command->add_option("--tflops", o->tflops, "peak TFLOP/s of a device; default: its data sheet's")
        ->check(number_between(0.0, 1e6));
    command->add_option("--memory", o->memory, "GiB of memory of a device; default: its data sheet's")
        ->check(number_between(0.0, 1e6));
    command->add_flag("--json", o->json, "a JSON object; the keys are in docs/commands.md");
    command->callback([o] { plan(*o); });
}

}  // namespace gradus
