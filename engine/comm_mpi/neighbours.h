#pragma once
// The other ranks of this host, watched as processes: one that ends without a word (kill -9, no memory left, a crash) is
// named at once by the first rank that is left there, which ends the others. A launcher that notices first ends them
// within about a second, too soon for anybody's silence to be long.
//
// A rank that ends by itself says so beforehand, in a page of memory that the ranks of a host share. Where a host has no
// such page, or its ranks cannot see each other's processes, nobody is watched here; heartbeats still tell.
#include <mpi.h>

#include <thread>
#include <vector>

namespace gradus::mpi {

struct World;

class Neighbours {
public:
    // `host` are the ranks of this host, of which all construct this together.
    Neighbours(World&, MPI_Comm host);
    void begin();  // to watch
    ~Neighbours();
    Neighbours(const Neighbours&) = delete;
    Neighbours& operator=(const Neighbours&) = delete;

    // From here on this rank's end is its own affair.
    void leave();

private:
    struct Page;  // shared
    struct Neighbour {
        int local, rank, process;  // its place on this host, in the world, and its process
        int handle;                // ready when it has ended
    };
    void share_page(MPI_Comm host);
    void watch();
    void judge(const Neighbour& gone);

    World& world_;
    int local_ = 0;
    Page* page_ = nullptr;
    std::vector<Neighbour> others_;
    int stop_ = -1;  // an event: end of watch()
    std::thread thread_;
};

}  // namespace gradus::mpi
