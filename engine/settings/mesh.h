#pragma once
// How the ranks of mpirun share the work (engine/mesh.h).
#include <cstdint>
#include <string>

#include "engine/base/settings.h"

namespace gradus {

struct MeshSettings {
    static constexpr const char* section = "mesh";

    int64_t dp = 0, tp = 1;
    std::string comm = "auto";
    double silence = 45;

    template <class Visit>
    void each(Visit&& visit) {
        using enum OnResume;
        // clang-format off
        visit("dp", dp, between(0, 1 << 20), free,
              "data-parallel groups (mpirun -n N gradus pretrain …); 0: ranks / mesh.tp",
              {"data_parallel"});
        visit("tp", tp, between(1, 1 << 20), free,
              "tensor-parallel ranks: each has part of the heads, features and vocabulary of each layer",
              {"tensor_parallel", "tensor_model_parallel_size"});
        visit("comm", comm, one_of({{"auto"}, {"mpi"}, {"nccl"}}), free,
              "how ranks exchange tensors; auto: nccl if each rank has its own GPU, else mpi, through the memory of "
              "the host");
        visit("silence", silence, between(1, 86400), free,
              "seconds without a heartbeat after which a rank counts as lost, which ends the run");
        // clang-format on
    }
};

}  // namespace gradus
