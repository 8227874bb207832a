// gradus plan: what a run will need, before anything is spent.
#include <unistd.h>

#include <charconv>

#include <fmt/format.h>

#include "engine/checkpoint/weights.h"
#include "engine/plan/report.h"
#include "tools/cli.h"
#include "tools/pretrain_data.h"

namespace gradus {

namespace {

struct Options {
    std::string recipe, devices, mesh;
    std::vector<std::string> set;
    double price = 0, tflops = 0, memory = 0;
    bool json = false;
};

// "dp=4,tp=2"
MeshSizes parse_mesh(const std::string& text) {
    MeshSizes sizes;
    for (size_t start = 0; start < text.size();) {
        const size_t end = std::min(text.find(',', start), text.size());
        const std::string part = text.substr(start, end - start), name = part.substr(0, part.find('='));
        const char *first = part.data() + std::min(name.size() + 1, part.size()), *last = part.data() + part.size();
        int value = -1;
        const auto [stop, failed] = std::from_chars(first, last, value);
        const MeshAxis* found = nullptr;
        for (const MeshAxis& axis : mesh_axes)
            if (name == axis.name) found = &axis;
        if (!found || failed != std::errc() || stop != last || value < 0)
            throw Error(fmt::format("--mesh '{}' cannot be read", text),
                        fmt::format("'{}' is no axis with a size", part), "--mesh dp=4,tp=2");
        sizes.*found->size = value;
        start = end + 1;
    }
    return sizes;
}

// The vocabulary of the data where that is there, else of the model; the data need not be prepared yet.
DataFacts facts_of(const Config& c, const std::optional<ModelConfig>& base, double& mapped_bytes) {
    std::error_code ignored;
    std::vector<fs::path> train;
    for (const std::string& prefix : c.data_train) train.emplace_back(prefix);
    if (!c.data_dir.empty()) train.push_back(fs::path(c.data_dir) / "train");
    if (!train.empty() && has_shard(train.front())) {
        for (const fs::path& prefix : train)
            for (const char* suffix : {".bin", ".idx"}) {
                const auto size = fs::file_size(prefix.string() + suffix, ignored);
                if (!ignored) mapped_bytes += double(size);
            }
        return open_data(c).facts;
    }
    DataFacts facts;
    if (c.vocab > 0) facts.vocab = int(c.vocab);
    else if (base) facts.vocab = base->V;
    else if (!c.model_name.empty()) facts.vocab = named_model(c.model_name).V;
    else
        throw Error("the vocabulary is not known",
                    train.empty() ? "neither the model nor its data is named"
                                  : fmt::format("the data '{}' is not there yet", train.front().string()),
                    "--set model.vocab=N, the tokens of the tokenizer");
    return facts;
}

void plan(const Options& o) {
    PlanRequest request;
    request.config = load_config(o.recipe, o.set);
    const Config& c = request.config;
    if (!c.model_from.empty()) request.base = read_model_config(model_folder(c.model_from));
    request.data = facts_of(c, request.base, request.mapped_bytes);
    request.devices = parse_devices(!o.devices.empty() ? o.devices : c.device == "cuda" ? "H100" : "cpu");
    request.mesh = parse_mesh(o.mesh);
    request.price = o.price;
    request.tflops = o.tflops;
    request.memory_gib = o.memory;
    use_threads(int(c.threads));
    request.threads = threads_in_use();
    if (request.devices.device.is_cpu() && o.memory == 0)
        request.memory_gib = double(::sysconf(_SC_PHYS_PAGES)) * double(::sysconf(_SC_PAGE_SIZE)) / double(1 << 30);

    const Plan plan = make_plan(request);
    const std::vector<Alternative> others = plan.fits() ? std::vector<Alternative>() : alternatives(request, plan);
    if (o.json) fmt::print("{}\n", plan_json(plan, others).dump());
    else fmt::print("{}", plan_text(plan, others));
}

}  // namespace

void add_plan_command(CLI::App& app) {
    auto o = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand(
        "plan",
        "Says what a run of `gradus pretrain` will need, without running it and without its devices: parameters, "
        "memory of a rank,\n"
        "FLOPs, messages, and where the device is known time and cost. What does not fit is answered by the settings "
        "that would.\n\n"
        "Example: gradus plan tools/recipes/gpt2-1558m.toml --devices 8xH100 --price 2.5");
    command->add_option("RECIPE", o->recipe, "file of settings")->required();
    command->add_option("--set", o->set, "key=value, after the file; may be given several times")
        ->allow_extra_args(false);
    command->add_option("--devices", o->devices,
                        "8xH100: number and kind, of A100-40, A100-80, H100, H100-PCIe, H200, B200, cpu; unset: the "
                        "recipe's device, as many as the mesh asks for");
    command->add_option("--mesh", o->mesh, "dp=4,tp=2: ranks along each axis; dp=0, the default: as many as are left");
    command->add_option("--price", o->price, "of a device for an hour, in any currency")->check(CLI::Range(0.0, 1e6));
    command->add_option("--tflops", o->tflops, "peak of a device, instead of its data sheet's")
        ->check(CLI::Range(0.0, 1e6));
    command->add_option("--memory", o->memory, "GiB of a device, instead of its data sheet's")
        ->check(CLI::Range(0.0, 1e6));
    command->add_flag("--json", o->json, "a JSON object; the keys are in docs/commands.md");
    command->callback([o] { plan(*o); });
}

}  // namespace gradus
