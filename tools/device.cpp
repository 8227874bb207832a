#include "tools/device.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "kernels/choices.h"

namespace gradus {

void add_device_option(CLI::App& app, std::string& device) {
    app.add_option(
           "--device", device,
           "where to compute: cpu, cuda (the first GPU of CUDA_VISIBLE_DEVICES), or simt (the GPU's kernels on the "
           "CPU, thread by thread, for tests)")
        ->check(one_of_setting("train.device"))
        ->capture_default_str();
}

void add_kernel_options(CLI::App& app, KernelOptions& o) {
    app.add_option("--matmul", o.matmul, "on a GPU: cublaslt, or own: the kernels of kernels/cuda/matmul")
        ->check(one_of_setting("train.matmul"))
        ->capture_default_str();
    app.add_option("--attention", o.attention, "on a GPU: own, or cudnn in a build WITH_CUDNN")
        ->check(one_of_setting("train.attention"))
        ->capture_default_str();
    app.add_flag("--tf32", o.tf32, "on a GPU: f32 matmuls and attention on tensor cores, with 10 bits of mantissa");
}

void use_kernels(const std::string& device, const KernelOptions& o) {
    if (device == "cpu") return;
    if (o.attention == "cudnn" && (device == "simt" || !cuda_has_cudnn()))
        throw Error("there is no cuDNN for the device " + device,
                    device == "simt" ? "the emulator runs the kernels of kernels/cuda alone"
                                     : "this build was configured without WITH_CUDNN",
                    "attention = own: in training --set train.attention=own, elsewhere --attention own");
    kernel_choices() = {.matmul = o.matmul == "own" ? MatmulKernel::own : MatmulKernel::library,
                        .attention = o.attention == "own" ? AttentionKernel::own : AttentionKernel::library,
                        .tf32 = o.tf32};
}

void add_compute_options(CLI::App& app, ComputeOptions& o) {
    add_dtype_option(app, o.dtype);
    add_device_option(app, o.device);
    add_threads_option(app, o.threads);
}

void add_graphs_option(CLI::App& app, bool& graphs) {
    app.add_flag(
        "--graphs", graphs,
        "on a GPU: record the pass of a token once and replay it with one call (CUDA graphs); the same tokens");
}

const Ops& ops_of(const std::string& device, int gpu) {
    if (device == "cuda") return cuda_ops(gpu);
    return device == "simt" ? simt_ops() : cpu_ops();
}

namespace {

int gpu_of(const Config& c, const MpiWorld& world) {
    return c.train.gpu >= 0 ? int(c.train.gpu) : world.local_rank() % std::max(cuda_devices(), 1);
}

}  // namespace

const Ops& ops_of(const TrainSettings& t, int gpu) {
    use_kernels(t.device, {t.matmul, t.attention, t.tf32});
    return ops_of(t.device, gpu);
}

const Ops& ops_of(const Config& c, const MpiWorld& world) {
    return ops_of(c.train, c.train.device == "cuda" ? gpu_of(c, world) : 0);
}

CommRequest comm_request(const Config& c, const MpiWorld& world) {
    return {.asked = c.mesh.comm,
            .device = c.train.device,
            .gpu = c.train.device == "cuda" ? cuda_address(gpu_of(c, world)) : "",
            .settings = recipe_text(c)};
}

double gib_of_this_machine() {
    return double(::sysconf(_SC_PHYS_PAGES)) * double(::sysconf(_SC_PAGE_SIZE)) / double(1 << 30);
}

void require_memory(const PlanRequest& request, double free) {
    const Plan plan = make_plan(request);
    const MemoryPlan& m = plan.memory;
    const double needed = m.total() - m.process;  // the driver's part is in use already
    if (needed <= free) return;

    const bool small = needed < double(1 << 30);
    const double unit = small ? 1 << 20 : 1 << 30;
    const char* const name_of_unit = small ? "MiB" : "GiB";
    std::vector<std::pair<double, const char*>> parts = {
        {m.params, "weights"},          {m.masters, "masters"},     {m.moments, "moments"}, {m.gradients, "gradients"},
        {m.activations, "activations"}, {m.workspace, "workspace"}, {m.samples, "samples"}};
    std::sort(parts.rbegin(), parts.rend());
    std::string takes;
    for (const auto& [bytes, name] : parts)
        if (bytes >= 0.005 * unit) takes += fmt::format("{}{} {:.2f}", takes.empty() ? "" : ", ", name, bytes / unit);

    std::string fix;
    PlanRequest limited = request;
    limited.memory_gib = (free + m.process) / double(1 << 30);
    const Plan again = make_plan(limited);
    for (const Alternative& a : alternatives(limited, again)) {
        const auto is_setting = [](const std::string& argument) { return argument.starts_with("--set "); };
        if (!a.fits || !std::all_of(a.arguments.begin(), a.arguments.end(), is_setting)) continue;
        for (const std::string& argument : a.arguments) fix += (fix.empty() ? "" : " ") + argument;
        break;
    }
    throw Error(fmt::format("the run needs {:.2f} {} on its GPU, but {:.2f} are free", needed / unit, name_of_unit,
                            free / unit),
                fmt::format("in {}: {}", name_of_unit, takes),
                fix.empty() ? "a smaller model or context, or a GPU with more memory: gradus plan RECIPE"
                            : fix + "; more ways: gradus plan RECIPE");
}

}  // namespace gradus
