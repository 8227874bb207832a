#pragma once
// A Comm that forwards every call and records number, bytes and time of the calls. Waiting for a slower rank counts as
// time of the call.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/mesh.h"

namespace gradus {

struct TimedCalls {
    int64_t calls = 0;
    double bytes = 0;  // of the full tensor
    double seconds = 0;
};

class TimedMesh {
public:
    explicit TimedMesh(const Mesh&);

    const Mesh& mesh() const { return mesh_; }
    // By "axis call": "tp all-gather".
    std::map<std::string, TimedCalls> calls() const;
    void reset();

    struct Group;

private:
    Mesh mesh_;
    std::vector<std::shared_ptr<Group>> groups_;
};

}  // namespace gradus
