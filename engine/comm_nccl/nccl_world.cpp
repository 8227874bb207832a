// Creates the communicators.
#include "engine/comm_nccl/nccl_world.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <thread>

#include <fmt/format.h>

#include "engine/base/first_difference.h"
#include "engine/comm_nccl/world.h"

namespace gradus {

namespace nccl {

namespace {

constexpr int oldest = 21800;   // the first with ncclCommSplit
constexpr int ordered = 22600;  // the first that launches calls of several communicators in the host's order
static_assert(NCCL_VERSION_CODE >= oldest, "gradus needs NCCL 2.18 or newer");

std::string text_of_version(int code) {
    const int unit = code < 10000 ? 1000 : 10000;  // version codes before 2.9
    return fmt::format("{}.{}.{}", code / unit, code % unit / 100, code % 100);
}

int loaded_version() {
    int code = 0;
    return ncclGetVersion(&code) == ncclSuccess ? code : 0;
}

ncclConfig_t configuration() {
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    return config;
}

// Checks that the ranks agree, before a call that would hang otherwise.
void require_agreement(const MpiWorld& world, const Ops& ops, const std::string& identity) {
    const std::vector<std::string> versions = world.all().gather(std::to_string(loaded_version())),
                                   tables = world.all().gather(ops.name), identities = world.all().gather(identity);
    for (int r = 0; r < world.size(); ++r) {
        const int theirs = std::atoi(versions[size_t(r)].c_str()), first = std::atoi(versions[0].c_str());
        const std::string who = fmt::format("rank {} on '{}'", r, world.host(r));
        if (theirs < oldest)
            throw Error(fmt::format("{} has NCCL {}, and gradus needs {} or newer", who, text_of_version(theirs),
                                    text_of_version(oldest)),
                        "older ones cannot split communicators",
                        "install a newer libnccl2 there (ldd gradus | grep nccl says which one is found), or --set "
                        "mesh.comm=mpi");
        if (theirs != first)
            throw Error(fmt::format("{} has another NCCL than rank 0 on '{}'", who, world.host(0)),
                        fmt::format("rank 0: {}; rank {}: {}", text_of_version(first), r, text_of_version(theirs)),
                        "install one version on every machine (ldd gradus | grep nccl says which one is found)");
        if (tables[size_t(r)] != tables[0])
            throw Error(fmt::format("{} computes on another kind of device than rank 0 on '{}'", who, world.host(0)),
                        fmt::format("rank 0: {}; rank {}: {}", tables[0], r, tables[size_t(r)]),
                        "start every rank with the same --set train.device");
        if (identities[size_t(r)] == identities[0]) continue;
        const auto [here, there] = first_difference(identities[0], identities[size_t(r)]);
        throw Error(fmt::format("{} has other settings than rank 0 on '{}'", who, world.host(0)),
                    fmt::format("rank 0: {}; rank {}: {}", here, r, there),
                    "start every rank with the same program, recipe and --set");
    }
}

// Kernels of two communicators may be unable to run on a GPU at the same time. If two ranks launch them in different
// orders, they deadlock; NCCL since 2.26 can launch them in the order of the host's calls, which is the same on all
// ranks.
void require_order(const MeshSizes& sizes) {
    if (sizes.dp == 1 || sizes.tp == 1 || loaded_version() >= ordered) return;
    throw Error(
        fmt::format("NCCL {} is too old for a mesh of {}", text_of_version(loaded_version()), text_of(sizes)),
        fmt::format("dp and tp communicate at the same time, and NCCL before {} may launch their calls in different "
                    "orders on different ranks, which hangs",
                    text_of_version(ordered)),
        fmt::format("install libnccl2 {} or newer (ldd gradus | grep nccl says which one is found), or --set "
                    "mesh.dp={} --set mesh.tp=1, or --set mesh.comm=mpi",
                    text_of_version(ordered), sizes.dp * sizes.tp));
}

}  // namespace

World::World(MpiWorld& mpi_ranks, const Ops& device, const NcclLimits& asked)
    : ranks(mpi_ranks), monitor(mpi_ranks), ops(device), limits(asked), staging(device) {}

World::~World() {
    for (Event e : spare) ops.release_event(e);
    for (const auto& g : groups)
        for (const Pending& p : g->pending) {
            ops.release_event(p.start);
            ops.release_event(p.end);
        }
}

Group& World::add_group(const std::string& name, const std::vector<int>& members, const Comm& host) {
    CHECK(groups.size() < size_t(mpi::most_device_groups), "too many groups of devices");
    const auto here = std::find(members.begin(), members.end(), ranks.rank());
    CHECK(here != members.end() && members.size() >= 2, "a group has this rank and another one");
    std::lock_guard lock(state);
    groups.push_back(std::make_unique<Group>(Group{.world = *this,
                                                   .slot = int(groups.size()),
                                                   .id = monitor.id_of(host),
                                                   .name = name,
                                                   .ranks = members,
                                                   .mine = int(here - members.begin()),
                                                   .host = host,
                                                   .staged = staging.comm(host)}));
    return *groups.back();
}

void World::connect_all(Group& g) {
    ncclUniqueId id = {};
    std::string text;
    if (g.mine == 0) {
        const ncclResult_t result = ncclGetUniqueId(&id);
        text = std::string(id.internal, sizeof id.internal);
        if (result != ncclSuccess) text.clear();
    }
    text = g.host.gather(text)[0];
    if (text.size() != sizeof id.internal)
        throw Error("NCCL does not start",
                    "ncclGetUniqueId failed on rank 0: " + std::string(ncclGetLastError(nullptr)),
                    "NCCL_DEBUG=WARN in the environment shows why; --set mesh.comm=mpi works without NCCL");
    std::memcpy(id.internal, text.data(), sizeof id.internal);

    auto made = std::make_shared<Communicator>();
    ncclConfig_t config = configuration();
    const Header call = begin(g, Call::connect, DType::f32, g.size(), -1, nullptr);
    const ncclResult_t result = ncclCommInitRankConfig(&made->handle, g.size(), id, g.mine, &config);
    wait_until_enqueued(g, *made, call, result, "ncclCommInitRankConfig");
    end_enqueue(g, nullptr);
    std::lock_guard lock(state);
    g.devices = made.get();
    communicators.push_back(made);
}

void World::connect(Group& g, Communicator& parent) {
    auto made = std::make_shared<Communicator>();
    ncclConfig_t config = configuration();
    const Header call = begin(g, Call::connect, DType::f32, g.size(), -1, nullptr);
    ncclResult_t result;
    {
        std::lock_guard lock(parent.busy);
        result = ncclCommSplit(parent.handle, g.ranks[0], g.mine, &made->handle, &config);
    }
    wait_until_enqueued(g, parent, call, result, "ncclCommSplit");
    if (made->handle) wait_until_enqueued(g, *made, call, ncclInProgress, "ncclCommSplit");
    end_enqueue(g, nullptr);
    std::lock_guard lock(state);
    g.devices = made.get();
    communicators.push_back(made);
}

void World::finalize() {
    for (auto c = communicators.rbegin(); c != communicators.rend();
         ++c) {  // the first one is the parent of the others
        Group& g = *groups[0];
        const Header call = g.last;
        wait_until_enqueued(g, **c, call, ncclCommFinalize((*c)->handle), "ncclCommFinalize");
        ncclCommDestroy((*c)->handle);
    }
}

}  // namespace nccl

NcclWorld::NcclWorld(MpiWorld& ranks, const Ops& device, const std::string& identity, const NcclLimits& limits) {
    CHECK(std::isfinite(limits.connect) && limits.connect > 0 && std::isfinite(limits.stall) && limits.stall > 0,
          "limits are seconds above zero");
    if (ranks.size() == 1) return;
    nccl::require_agreement(ranks, device, identity);
    ::setenv("NCCL_LAUNCH_ORDER_IMPLICIT", "1",
             1);  // require_order() relies on it, so it overrides the environment
    world_ = std::make_unique<nccl::World>(ranks, device, limits);
    world_->start_watchdog();
    std::vector<int> everyone(static_cast<size_t>(ranks.size()));
    for (int r = 0; r < ranks.size(); ++r) everyone[size_t(r)] = r;
    world_->connect_all(world_->add_group("all", everyone, ranks.all()));
}

NcclWorld::~NcclWorld() {
    if (!world_) return;
    world_->stop_watchdog();
    if (std::uncaught_exceptions() == 0) world_->finalize();
}

Comm NcclWorld::all() const { return world_ ? nccl::comm_of(*world_->groups[0]) : Comm{}; }

Mesh NcclWorld::mesh(const MeshSizes& asked) {
    nccl::require_order(resolve(asked, all().size));
    return make_mesh(asked, all(),
                     [this](const char* axis, const std::vector<int>& ranks) { return group(axis, ranks); });
}

Comm NcclWorld::group(const char* name, const std::vector<int>& ranks) {
    if (ranks.size() == 1) return {};
    CHECK(world_, "there is one rank");
    nccl::Group& everyone = *world_->groups[0];
    nccl::Group& g = world_->add_group(name, ranks, world_->ranks.group(name, ranks));
    if (g.ranks == everyone.ranks) g.devices = everyone.devices;
    else world_->connect(g, *everyone.devices);
    return nccl::comm_of(g);
}

std::string nccl_version() { return nccl::text_of_version(nccl::loaded_version()); }

}  // namespace gradus
