// What several ranks train is what one rank trains: under mpirun, with tiny models, against one rank in the same process.
#include <catch2/catch.hpp>

#include "tests/comm_mpi/launched/launch.h"

using namespace gradus;

TEST_CASE("twenty steps on every mesh have the losses and norms of one rank, in double to 1e-12") {
    require_success("equal_in_double");
}

TEST_CASE("twenty steps on every mesh have the losses of one rank, in f32 to 1e-6") { require_success("equal_in_f32"); }

TEST_CASE("every weight has on every mesh the gradient that it has on one rank") { require_success("equal_gradients"); }

TEST_CASE("data parallelism is accumulation") { require_success("dp_is_accumulation"); }

TEST_CASE("a sharded optimizer trains like one on every rank, in less memory") {
    require_success("sharding_keeps_bits");
}

TEST_CASE("ranks that hold the same weight hold the same bits") { require_success("same_weights_everywhere"); }

TEST_CASE("a weight is rounded by the same chance whichever rank updates it") {
    require_success("chance_keeps_its_place");
}

TEST_CASE("ranks share out a validation, however many windows there are") { require_success("validation_is_shared"); }

TEST_CASE("a checkpoint of every mesh goes on on every other, and on its own bit for bit") {
    require_success("any_mesh_to_any_other", {4});
}

TEST_CASE("masters of bf16 weights go from mesh to mesh with every bit") {
    require_success("masters_go_along_in_bf16", {4});
}

TEST_CASE("masters of bf16 weights begin on every mesh from the f32 numbers of a folder") {
    require_success("masters_begin_from_f32", {4});
}

TEST_CASE("ranks read every byte of a checkpoint once, together, and all learn of damage that one of them finds") {
    require_success("ranks_share_the_check", {2, 4});
}

TEST_CASE("a checkpoint that is written beside training has the state it was begun with") {
    require_success("written_beside_training");
}

TEST_CASE("ranks that share a model write the text that one rank writes") { require_success("texts_are_the_same"); }

TEST_CASE("a NaN in one rank's gradient is skipped by all ranks, and the weights stay") {
    require_success("nan_on_one_rank");
}

TEST_CASE("a spike on one rank is skipped by all ranks, and the weights stay") { require_success("spike_on_one_rank"); }

TEST_CASE("devices that meet through the host train with the bits of ranks on the CPU") {
    require_success("staged_has_the_bits_of_mpi");
}

TEST_CASE("devices that meet by NCCL train like one rank") { require_success("nccl_trains_as_one_rank"); }

TEST_CASE("a GPU's kernels train on several devices as on one") { require_success("kernels_train_as_one_rank", {2}); }

TEST_CASE("a checkpoint that devices wrote goes on on every mesh, by every Comm, and on a CPU") {
    require_success("devices_resume_elsewhere");
}
