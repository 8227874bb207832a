#pragma once
// Watches the processes of the other ranks on this host. When one ends unexpectedly (kill -9, out of memory, a crash), the
// lowest remaining rank of the host reports it and aborts the job. This is faster than heartbeats: a launcher that notices the
// death first kills the other ranks within about a second, before any silence is long enough.
//
// A rank that ends on purpose says so first, in a page of memory that the ranks of a host share. Where a host has no such page,
// or its ranks cannot see each other's processes, nothing is watched here and heartbeats detect the loss.
#include <mpi.h>

#include <thread>
#include <vector>

namespace gradus::mpi {

struct World;

class LocalRanks {
public:
    // `host` are the ranks of this host, of which all construct this together.
    LocalRanks(World&, MPI_Comm host);
    void start_watching();
    ~LocalRanks();
    LocalRanks(const LocalRanks&) = delete;
    LocalRanks& operator=(const LocalRanks&) = delete;

    // From here on the end of this process is expected.
    void leave();

private:
    struct Page;  // shared
    struct Neighbour {
        int local, rank, process;  // its place on this host, in the world, and its process
        int handle;                // ready when it has ended
    };
    void share_page(MPI_Comm host);
    void watch();
    void report_if_first(const Neighbour& gone);

    World& world_;
    int local_ = 0;
    Page* page_ = nullptr;
    std::vector<Neighbour> others_;
    int stop_ = -1;  // an event: end of watch()
    std::thread thread_;
};

}  // namespace gradus::mpi
