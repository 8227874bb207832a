// Scenarios that must end: ranks and devices that stop, die, fail, or are not in the same call.
#include <csignal>
#include <cstdlib>

#include <unistd.h>

#include "tests/comm_nccl/ranks/devices.h"

namespace gradus {

namespace {

constexpr MpiLimits soon = {.silence = 3, .patience = 60};
constexpr NcclLimits shortly = {.connect = 3, .stall = 1.5};

// Some normal steps, then `otherwise` on rank 1 while the others continue with the next sum.
template <class Otherwise>
void go_on(MpiWorld& world, Otherwise&& otherwise) {
    NcclWorld devices(world, queued_ops(), "", shortly);
    const Mesh mesh = devices.mesh({.dp = world.size()});
    OnDevice x(DType::f32, 1000);
    fill(x.host.tensor(), 1, world.rank());
    x.to_device({});
    for (int step = 1; step <= 7; ++step) {
        mesh.world.set_step(step);
        mesh.dp.sum(x.tensor.part(0, 1), {});
        x.to_host({});
    }
    if (world.rank() == 1) otherwise(mesh.dp, x.tensor);
    mesh.dp.sum(x.tensor, {});
    x.to_host({});
}

void on_one(MpiWorld& world, const char* trouble) {
    if (world.rank() == 1) ::setenv("GRADUS_FAKE_NCCL", trouble, 1);
}

void stopped(MpiWorld& world) {
    go_on(world, [](const Comm&, Tensor) { ::raise(SIGSTOP); });
}
void killed(MpiWorld& world) {
    go_on(world, [](const Comm&, Tensor) { ::raise(SIGKILL); });
}
void throws(MpiWorld& world) {
    go_on(world,
          [](const Comm&, Tensor) { throw Error("the disk is full", "no space for the checkpoint", "free some"); });
}
void late(MpiWorld& world) {
    go_on(world, [](const Comm&, Tensor) { ::sleep(60); });
}
void ends(MpiWorld& world) {
    NcclWorld devices(world, queued_ops(), "", shortly);
    if (world.rank() == 1) return;
    OnDevice x(DType::f32, 10);
    x.to_device({});
    devices.all().sum(x.tensor, {});
    x.to_host({});
}
void other_call(MpiWorld& world) {
    go_on(world, [](const Comm& comm, Tensor x) {
        comm.broadcast(x, 0, {});
        queued_ops().synchronise({});
    });
}
void other_size(MpiWorld& world) {
    go_on(world, [](const Comm& comm, Tensor x) {
        comm.sum(x.part(0, 999), {});
        queued_ops().synchronise({});
    });
}
// Calls that do not hang give wrong sums; the next gather() of the hosts detects it.
void other_size_unnoticed(MpiWorld& world) {
    ::setenv("GRADUS_FAKE_NCCL", "misfit=2", 1);
    NcclWorld devices(world, queued_ops(), "", shortly);
    OnDevice x(DType::f32, 1000);
    x.to_device({});
    devices.all().set_step(3);
    devices.all().sum(x.tensor.part(0, world.rank() == 1 ? 999 : 1000), {});
    queued_ops().synchronise({});
    devices.all().gather("");
}
void misfit_reported(MpiWorld& world) {
    ::setenv("GRADUS_FAKE_NCCL", "misfit=1", 1);
    other_size(world);
}
void other_axis(MpiWorld& world) {
    NcclWorld devices(world, queued_ops(), "", shortly);
    const Mesh mesh = devices.mesh({.dp = 2, .tp = 2});
    OnDevice x(DType::f32, 100);
    x.to_device({});
    mesh.world.set_step(5);
    // In a ring: 0 waits in dp for 2, which waits in tp for 3, which waits in dp for 1, which waits in tp for 0.
    const bool dp_first = world.rank() == 0 || world.rank() == 3;
    (dp_first ? mesh.dp : mesh.tp).sum(x.tensor, {});
    (dp_first ? mesh.tp : mesh.dp).sum(x.tensor, {});
    x.to_host({});
}
void stalls(MpiWorld& world) {
    on_one(world, "stall=8");
    go_on(world, [](const Comm&, Tensor) {});
}
void breaks(MpiWorld& world) {
    on_one(world, "break=8");
    go_on(world, [](const Comm&, Tensor) {});
}
void refuses(MpiWorld& world) {
    on_one(world, "refuse=8");
    go_on(world, [](const Comm&, Tensor) {});
}
void deaf(MpiWorld& world) {
    on_one(world, "deaf=1");
    go_on(world, [](const Comm&, Tensor) {});
}
void never_connects(MpiWorld& world) {
    if (world.rank() == 1) {  // it passes require_agreement(), and does no more
        for (const char* word : {"22809", "queued cpu", "", ""}) world.all().gather(word);
        ::sleep(60);
    }
    go_on(world, [](const Comm&, Tensor) {});
}
void other_version(MpiWorld& world) {
    on_one(world, "version=22105");
    go_on(world, [](const Comm&, Tensor) {});
}
void old_version(MpiWorld& world) {
    on_one(world, "version=21705");
    go_on(world, [](const Comm&, Tensor) {});
}
// Two axes at once need an order between their calls.
void axes_on(MpiWorld& world, const char* version, const MeshSizes& sizes) {
    ::setenv("GRADUS_FAKE_NCCL", version, 1);
    ::setenv("NCCL_LAUNCH_ORDER_IMPLICIT", "0", 1);
    NcclWorld devices(world, queued_ops(), "", shortly);
    const Mesh mesh = devices.mesh(sizes);
    const std::string order = std::getenv("NCCL_LAUNCH_ORDER_IMPLICIT");
    CHECK(order == "1", "the order is NCCL's to keep, whatever the environment says");
    mesh.world.barrier();
}
void axes_without_order(MpiWorld& world) { axes_on(world, "version=22505", {.dp = 0, .tp = 2}); }
void axes_in_order(MpiWorld& world) { axes_on(world, "version=22602", {.dp = 2, .tp = 2}); }
void one_axis(MpiWorld& world) { axes_on(world, "version=22505", {.dp = world.size()}); }
void other_settings(MpiWorld& world) {
    NcclWorld devices(world, queued_ops(), world.rank() == 1 ? "batch = 8\nlr = 0.1\n" : "batch = 8\nlr = 0.2\n",
                      shortly);
}

}  // namespace

const std::vector<Scenario> device_fault_scenarios = {
    {"stopped", stopped, soon},
    {"killed", killed, soon},
    {"throws", throws, soon},
    {"late", late, {.silence = 6, .patience = 2}},
    {"ends", ends, soon},
    {"other_call", other_call, soon},
    {"other_size", other_size, soon},
    {"other_size_unnoticed", other_size_unnoticed, soon},
    {"misfit_reported", misfit_reported, soon},
    {"other_axis", other_axis, {.silence = 6, .patience = 2}},
    {"stalls", stalls, soon},
    {"breaks", breaks, soon},
    {"refuses", refuses, soon},
    {"deaf", deaf, soon},
    {"never_connects", never_connects, soon},
    {"other_version", other_version, soon},
    {"old_version", old_version, soon},
    {"other_settings", other_settings, soon},
    {"axes_without_order", axes_without_order, soon},
    {"axes_in_order", axes_in_order, soon},
    {"one_axis", one_axis, soon},
};

}  // namespace gradus
