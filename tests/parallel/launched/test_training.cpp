// Training on several ranks equals training on one rank: with mpirun and tiny models, compared with one rank in the
// same process.
#include <catch2/catch.hpp>

#include "tests/comm_mpi/launched/launch.h"

using namespace gradus;

TEST_CASE("twenty steps on every mesh have the losses and norms of one rank, in f64 to 1e-12") {
    require_success("equal_in_double");
}

TEST_CASE("twenty steps on every mesh have the losses of one rank, in f32 to 1e-6") { require_success("equal_in_f32"); }

TEST_CASE("every weight has the same gradient on every mesh as on one rank") { require_success("equal_gradients"); }

TEST_CASE("data parallelism equals gradient accumulation") { require_success("dp_is_accumulation"); }

TEST_CASE("a sharded optimizer trains like a replicated one, with less memory") {
    require_success("sharding_keeps_bits");
}

TEST_CASE("ranks that have the same weight have the same bits") { require_success("same_weights_everywhere"); }

TEST_CASE("stochastic rounding of a weight does not depend on the rank that updates it") {
    require_success("chance_keeps_its_place");
}

TEST_CASE("ranks divide a validation with any number of windows") { require_success("validation_is_shared"); }

TEST_CASE("a checkpoint of any mesh resumes on any other, and on its own bit for bit") {
    require_success("any_mesh_to_any_other", {4});
}

TEST_CASE("masters of bf16 weights are resumed bit for bit on another mesh") {
    require_success("masters_go_along_in_bf16", {4});
}

TEST_CASE("masters of bf16 weights start from a folder's f32 values on every mesh") {
    require_success("masters_begin_from_f32", {4});
}

TEST_CASE("ranks together read every byte of a checkpoint once, and all get the damage that one of them finds") {
    require_success("ranks_share_the_check", {2, 4});
}

TEST_CASE("a background checkpoint has the state at its beginning") { require_success("written_beside_training"); }

TEST_CASE("tensor-parallel ranks generate the same text as one rank") { require_success("texts_are_the_same"); }

TEST_CASE("a NaN in one rank's gradient is skipped by all ranks, and the weights stay") {
    require_success("nan_on_one_rank");
}

TEST_CASE("a spike on one rank is skipped by all ranks, and the weights stay") { require_success("spike_on_one_rank"); }

TEST_CASE("devices with staged communication train with the same bits as ranks on the CPU") {
    require_success("staged_has_the_bits_of_mpi");
}

TEST_CASE("devices with NCCL train like one rank") { require_success("nccl_trains_as_one_rank"); }

TEST_CASE("GPU kernels train on several devices as on one") { require_success("kernels_train_as_one_rank", {2}); }

TEST_CASE("a checkpoint from devices resumes on every mesh, with every Comm, and on a CPU") {
    require_success("devices_resume_elsewhere");
}
