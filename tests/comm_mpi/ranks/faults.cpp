// Scenarios that must end: ranks that stop, die, fail, or are not in the same call.
#include <csignal>

#include <unistd.h>

#include "engine/base/progress.h"
#include "engine/base/signals.h"
#include "tests/comm_mpi/ranks/scenarios.h"

namespace gradus {

namespace {

constexpr MpiLimits soon = {.silence = 3, .patience = 60};

// Some normal steps, then `otherwise` on rank 1 while the others continue with the next sum.
template <class Otherwise>
void go_on(MpiWorld& world, Otherwise&& otherwise) {
    const Comm comm = world.all();
    for (int step = 1; step <= 7; ++step) {
        comm.set_step(step);
        float x = 1;
        comm.sum({&x, DType::f32, {1}}, {});
    }
    if (world.rank() == 1) otherwise(comm);
    std::vector<float> x(100000, 1.0f);
    comm.sum({x.data(), DType::f32, {int64_t(x.size())}}, {});
}

void stopped(MpiWorld& world) {
    go_on(world, [](const Comm&) { ::raise(SIGSTOP); });
}
void killed(MpiWorld& world) {
    go_on(world, [](const Comm&) { ::raise(SIGKILL); });
}
void first_killed(MpiWorld& world) {
    const Comm comm = world.all();
    comm.barrier();
    if (world.rank() == 0) ::raise(SIGKILL);
    comm.barrier();
}
constexpr const char* resume = "resume: mpirun -n 2 gradus pretrain run/recipe.toml";
void killed_with_resume(MpiWorld& world) {
    world.set_resume(resume);
    killed(world);
}
void stopped_with_resume(MpiWorld& world) {
    world.set_resume(resume);
    stopped(world);
}
// All are asked to stop, do not, and are killed one by one.
void ended_from_outside(MpiWorld& world) {
    install_stop_signals();
    world.all().barrier();
    ::raise(SIGTERM);
    ::signal(SIGTERM, SIG_IGN);
    ::usleep(useconds_t(1000000 + 200000 * world.rank()));
    ::raise(SIGKILL);
}
void exits(MpiWorld& world) {
    go_on(world, [](const Comm&) { ::_exit(0); });
}
void throws(MpiWorld& world) {
    go_on(world,
          [](const Comm&) { throw Error("the disk is full", "no space for the checkpoint", "free some space"); });
}
void late(MpiWorld& world) {
    go_on(world, [](const Comm&) { ::sleep(60); });
}
// The last rank is late, and the first one waits for it indirectly; but it reports progress with files.
void late_with_progress(MpiWorld& world) {
    const Comm comm = world.all();
    const Comm pair = world.group("pair", world.rank() < 2 ? std::vector<int>{0, 1} : std::vector<int>{world.rank()});
    float x = 1;
    if (world.rank() == world.size() - 1)
        for (int i = 0; i < 50; ++i) {
            add_progress(1);
            ::usleep(100000);
        }
    const Tensor t = {&x, DType::f32, {1}};
    if (world.rank() == 2) comm.send(t, 1, {});
    if (world.rank() == 1 && world.size() == 3) comm.receive(t, 2, {});
    pair.sum(t, {});
}
void other_call(MpiWorld& world) {
    go_on(world, [](const Comm& comm) {
        float x = 1;
        comm.broadcast({&x, DType::f32, {1}}, 0, {});
    });
}
void other_size(MpiWorld& world) {
    go_on(world, [](const Comm& comm) {
        std::vector<float> x(99999, 1.0f);
        comm.sum({x.data(), DType::f32, {int64_t(x.size())}}, {});
    });
}
void other_dtype(MpiWorld& world) {
    go_on(world, [](const Comm& comm) {
        std::vector<int32_t> x(100000, 1);
        comm.sum({x.data(), DType::i32, {int64_t(x.size())}}, {});
    });
}
void other_message(MpiWorld& world) {
    const Comm comm = world.all();
    std::vector<float> x(1000, 1.0f);
    const Tensor t = {x.data(), DType::f32, {1000}};
    if (comm.rank == 0) comm.send(t.part(0, 900), 1, {});
    if (comm.rank == 1) comm.receive(t, 0, {});
    comm.barrier();
}
void other_axis(MpiWorld& world) {
    const Mesh mesh = world.mesh({.tp = 2});
    std::vector<float> x(1000, 1.0f);
    const Tensor t = {x.data(), DType::f32, {1000}};
    if (world.rank() == 0) mesh.world.sum(t, {});
    if (world.rank() == 1) mesh.tp.sum(t, {});
}
void early_end(MpiWorld& world) {
    if (world.rank() == 1) return;
    world.all().barrier();
}
void wrong_part(MpiWorld& world) {
    std::vector<float> x(10, 1.0f);
    world.all().reduce_scatter({x.data(), DType::f32, {3}}, {x.data(), DType::f32, {10}}, {});
}
void wrong_mesh(MpiWorld& world) { world.mesh({.dp = 3, .tp = 2}); }

}  // namespace

const std::vector<Scenario> fault_scenarios = {
    {"stopped", stopped, soon},
    {"killed", killed, soon},
    {"first_killed", first_killed, soon},
    {"killed_with_resume", killed_with_resume, soon},
    {"stopped_with_resume", stopped_with_resume, soon},
    {"ended_from_outside", ended_from_outside, soon},
    {"exits", exits, soon},
    {"throws", throws, soon},
    {"late", late, {.silence = 6, .patience = 2}},
    {"late_with_progress", late_with_progress, {.silence = 6, .patience = 2}},
    {"other_call", other_call, soon},
    {"other_size", other_size, soon},
    {"other_dtype", other_dtype, soon},
    {"other_message", other_message, soon},
    {"other_axis", other_axis, soon},
    {"early_end", early_end, soon},
    {"wrong_part", wrong_part, soon},
    {"wrong_mesh", wrong_mesh, soon},
};

}  // namespace gradus
