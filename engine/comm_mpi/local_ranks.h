#pragma once
// Watches the processes of the other ranks on this host. When one ends unexpectedly (kill -9, out of memory, a crash),
// the lowest remaining rank of the host reports it and aborts the job. This is faster than heartbeats: a launcher that
// notices the death first kills the other ranks within about a second, before any silence is long enough.
//
// A rank that ends on purpose announces it first, in a page of memory that the ranks of a host share. If there is no
// such page, or the ranks cannot see each other's processes, nothing is watched here and heartbeats detect the loss.
#include <mpi.h>

#include <thread>
#include <vector>

namespace gradus::mpi {

struct World;

class LocalRanks {
public:
    // `host` is the communicator of this host's ranks. Collective over it.
    LocalRanks(World&, MPI_Comm host);
    void start_watching();
    ~LocalRanks();
    LocalRanks(const LocalRanks&) = delete;
    LocalRanks& operator=(const LocalRanks&) = delete;

    // Announces that this process will end.
    void leave();

private:
    struct Page;  // shared
    struct Neighbour {
        int local, rank, process;  // rank on this host, rank in the world, process id
        int handle;                // a pidfd: readable when the process has ended
    };
    void share_page(MPI_Comm host);
    void watch();
    void report_if_first(const Neighbour& gone);

    World& world_;
    int local_ = 0;
    Page* page_ = nullptr;
    std::vector<Neighbour> others_;
    int stop_ = -1;  // an eventfd that ends watch()
    std::thread thread_;
};

}  // namespace gradus::mpi
