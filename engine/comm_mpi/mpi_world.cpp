// Start-up and end of the ranks, and how one of them aborts the job.
#include "engine/comm_mpi/mpi_world.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <thread>

#include <fmt/format.h>

#include "engine/comm_mpi/environment.h"
#include "engine/comm_mpi/world.h"

namespace gradus {

namespace mpi {

std::mutex& mpi_mutex() {
    static std::mutex one;
    return one;
}

namespace {

constexpr unsigned seconds_to_end = 10;

}  // namespace

Group& World::add_group(std::string name, std::vector<int> members) {
    const auto here = std::find(members.begin(), members.end(), rank);
    CHECK(here != members.end() && members.size() >= 2, "a group has this rank and at least one other");
    for (size_t i = 0; i < members.size(); ++i)
        CHECK(members[i] >= 0 && members[i] < size && (i == 0 || members[i - 1] < members[i]),
              "ranks of a group ascend");
    const size_t others = members.size() - 1;
    const int mine = int(here - members.begin());
    auto made = std::make_unique<Group>(Group{
        .world = *this, .id = int(groups.size()), .name = std::move(name), .ranks = std::move(members), .mine = mine});
    Group& g = *made;
    {
        std::lock_guard lock(groups_mutex);
        groups.push_back(std::move(made));
    }
    g.sent.resize(others + 1);
    g.received.resize(others + 1);
    g.piece = piece_bytes(g.size());
    g.scratch.resize(receive_buffer_bytes(g.size()));
    g.flows.reserve(2 * others);
    g.sources.resize(others + 1);
    return g;
}

std::string World::text_of(const Header& h) {
    std::lock_guard lock(groups_mutex);
    const bool known = h.group >= 0 && size_t(h.group) < groups.size();
    return mpi::text_of(h, known ? groups[size_t(h.group)]->name : "another group");
}

std::string World::last_call_of(int r) {
    const Beat beat = heartbeat->last_of(r);
    if (beat.last.call == Call::nothing) return "before its first call";
    return (beat.inside ? "in " : "after ") + text_of(beat.last);
}

std::string World::text_of_resume() {
    std::lock_guard lock(groups_mutex);
    return resume;
}

void World::claim_report() {
    static std::atomic<bool> failing = false;
    while (failing.exchange(true)) std::this_thread::sleep_for(std::chrono::seconds(1));  // another thread aborts
    if (local_ranks) local_ranks->leave();
}

void World::report_and_abort(const Error& e, int status, const std::function<void()>& last) {
    const std::string text = fmt::format("[rank {}] {}\n", rank, e.text());
    std::fflush(stdout);
    std::fputs(text.c_str(), stderr);
    std::fflush(stderr);
    ::alarm(seconds_to_end);  // ends the process if MPI hangs
    if (last) last();
    library.lock();
    MPI_Abort(MPI_COMM_WORLD, status);
    std::_Exit(status);
}

void World::fail(const Error& e, int status, const std::function<void()>& last) {
    claim_report();
    // All ranks find, for example, an error in a recipe at about the same time: rank 0 reports it at once and aborts
    // the others, which takes mpirun a moment.
    if (rank > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1500 + 100 * std::min(rank, 10)));
    report_and_abort(e, status, last);
}

void World::report_lost(int lost, int process) {
    claim_report();
    report_and_abort(
        Error(
            name_of_rank(lost) + " has disappeared",
            fmt::format("its process {} ended unexpectedly, last seen {}: it was killed, ran out of memory or crashed",
                        process, last_call_of(lost)),
            "dmesg | tail shows whether memory ran out; then " + text_of_resume()),
        status_of_lost_rank, {});
}

void World::check(int mpi_status, const char* function) {
    if (mpi_status == MPI_SUCCESS) return;
    char text[MPI_MAX_ERROR_STRING] = {};
    int length = 0;
    MPI_Error_string(mpi_status, text, &length);
    library.unlock();  // it is locked around every call
    fail(Error("MPI cannot reach the other ranks", std::string(function) + " says: " + text,
               "check that every machine is up and reachable from the others, then start the same command again"),
         1);
}

}  // namespace mpi

MpiWorld::MpiWorld(const MpiLimits& limits) {
    CHECK(std::isfinite(limits.silence) && limits.silence > 0 && std::isfinite(limits.patience) && limits.patience > 0,
          "limits are seconds above zero");
    const int launched = launched_ranks();
    if (launched == 1) return;

    int provided = MPI_THREAD_SINGLE, size = 1;
    mpi::set_mpi_environment();
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (size != launched) {
        MPI_Finalize();
        throw Error(fmt::format("the launcher started {} ranks, and MPI sees {}", launched, size),
                    "mpirun or srun belongs to another MPI library than the one gradus was built with",
                    "start it with that library's mpirun, or under Slurm with srun --mpi=pmix gradus …");
    }
    world_ = std::make_unique<mpi::World>();
    mpi::World& w = *world_;
    w.limits = limits;
    w.size = size;
    MPI_Comm_rank(MPI_COMM_WORLD, &w.rank);
    if (provided < MPI_THREAD_SERIALIZED)
        w.fail(
            Error("this MPI library supports only one thread", "MPI_Init_thread grants less than MPI_THREAD_SERIALIZED",
                  "apt-get install libopenmpi-dev openmpi-bin, and build again"),
            1);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);

    MPI_Comm node;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, w.rank, MPI_INFO_NULL, &node);
    MPI_Comm_rank(node, &w.local_rank);
    MPI_Comm_size(node, &w.local_size);
    w.oversubscribed = w.local_size > int(std::thread::hardware_concurrency());

    constexpr int longest_name = MPI_MAX_PROCESSOR_NAME;
    std::vector<char> names(size_t(size) * longest_name);
    char name[longest_name] = {};
    int length = 0;
    MPI_Get_processor_name(name, &length);
    MPI_Allgather(name, longest_name, MPI_CHAR, names.data(), longest_name, MPI_CHAR, MPI_COMM_WORLD);
    for (int r = 0; r < size; ++r) w.hosts.emplace_back(names.data() + size_t(r) * longest_name);

    w.outgoing.resize(mpi::message_bytes);
    w.incoming.resize(size_t(size) * mpi::message_bytes);
    w.requests.resize(size_t(2 * size * pieces_in_flight));
    w.completed.resize(w.requests.size());
    w.awaited.reserve(size_t(2 * size));
    std::vector<int> everyone(static_cast<size_t>(size));
    for (int r = 0; r < size; ++r) everyone[size_t(r)] = r;
    w.add_group("all", std::move(everyone));
    w.local_ranks.emplace(w, node);
    MPI_Comm_free(&node);
    w.heartbeat.emplace(w.rank, size, limits.silence, w.library);
    w.local_ranks->start_watching();
}

MpiWorld::~MpiWorld() {
    if (!world_) return;
    if (std::uncaught_exceptions() > 0) {
        world_->local_ranks.reset();
        world_->heartbeat->stop();
        return;
    }
    mpi::wait_for_everyone(*world_->groups[0]);
    world_->heartbeat->stop();
    mpi::wait_for_everyone(*world_->groups[0]);  // no rank sends after this
    world_->heartbeat->drain();
    world_->local_ranks.reset();
    MPI_Finalize();
}

int MpiWorld::rank() const { return world_ ? world_->rank : 0; }
int MpiWorld::size() const { return world_ ? world_->size : 1; }
int MpiWorld::local_rank() const { return world_ ? world_->local_rank : 0; }
int MpiWorld::local_size() const { return world_ ? world_->local_size : 1; }

const std::string& MpiWorld::host(int rank) const {
    static const std::string here = "this machine";
    CHECK(rank >= 0 && rank < size());
    return world_ ? world_->hosts[size_t(rank)] : here;
}

Comm MpiWorld::all() const { return world_ ? mpi::comm_of(*world_->groups[0]) : Comm{}; }

Mesh MpiWorld::mesh(const MeshSizes& asked) {
    return make_mesh(asked, all(),
                     [this](const char* axis, const std::vector<int>& ranks) { return group(axis, ranks); });
}

Comm MpiWorld::group(const char* name, const std::vector<int>& ranks) {
    if (ranks.size() == 1 && ranks[0] == rank()) return {};
    CHECK(world_, "there is one rank");
    return mpi::comm_of(world_->add_group(name, ranks));
}

void MpiWorld::set_resume(const std::string& command) {
    if (!world_) return;
    std::lock_guard lock(world_->groups_mutex);
    world_->resume = command;
}

void MpiWorld::fail(const Error& e, int status) const {
    if (world_) world_->fail(e, status);
    std::fputs((e.text() + "\n").c_str(), stderr);
    std::exit(status);
}

}  // namespace gradus
