#pragma once
// Ranks that are threads of this process, with every Comm of their mesh: for tests without a launcher.
//
// Each group adds in an order of its own, as NCCL's groups may: a sum has the same bits on every rank of its group, and two
// groups that add the same numbers may round otherwise. A group of two has one order.
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

    // Runs the work on every rank at once; what one of them throws ends all of them and comes out.
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
