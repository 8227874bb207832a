#pragma once
// Ranks as threads of this process, with all Comms of their mesh: for tests without a launcher.
//
// Each group adds in its own order, as NCCL's groups may: a sum has the same bits on every rank of its group, but two
// groups that add the same numbers may round differently. A group of two has one order.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/mesh.h"

namespace gradus::test {

class ThreadGroup;

class ThreadRanks {
public:
    explicit ThreadRanks(const MeshSizes&);
    ~ThreadRanks();

    // Runs the work on every rank in parallel; an exception on one of them ends all and is rethrown.
    void run(const std::function<void(const Mesh&)>& work);

    struct Member {  // of a Comm
        ThreadGroup* group;
        int rank;
    };

private:
    Comm comm_of(const std::string& axis, const std::vector<int>& ranks, int rank);

    std::vector<std::unique_ptr<ThreadGroup>> groups_;
    std::vector<std::unique_ptr<Member>> members_;
    std::vector<Mesh> meshes_;
};

}  // namespace gradus::test
