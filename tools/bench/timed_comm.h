#pragma once
// A Comm that passes every call on and keeps how often, how much and how long: where ranks lose their time. Waiting for a
// slower rank counts as the call's time.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/mesh.h"

namespace gradus {

struct TimedCalls {
    int64_t calls = 0;
    double bytes = 0;  // of the tensor, whole
    double seconds = 0;
};

class TimedMesh {
public:
    explicit TimedMesh(const Mesh&);

    const Mesh& mesh() const { return mesh_; }
    // By "axis call": "tp all-gather".
    std::map<std::string, TimedCalls> calls() const;
    void forget();

    struct Group;

private:
    Mesh mesh_;
    std::vector<std::shared_ptr<Group>> groups_;
};

}  // namespace gradus
