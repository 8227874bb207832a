// The mesh: coordinates of ranks, and errors for wrong sizes.
#include <cstdlib>

#include <catch2/catch.hpp>

#include "engine/mesh.h"

using namespace gradus;

namespace {

Error error_of(const MeshSizes& asked, int ranks) {
    try {
        resolve(asked, ranks);
    } catch (const Error& e) { return e; }
    FAIL("the sizes were taken");
    throw 0;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

const MeshAxis& axis(const std::string& name) {
    for (const MeshAxis& a : mesh_axes)
        if (name == a.name) return a;
    FAIL("no axis " + name);
    throw 0;
}

struct LauncherVariable {  // set in the constructor, unset in the destructor
    LauncherVariable(const char* n, const char* value) : name(n) { ::setenv(n, value, 1); }
    ~LauncherVariable() { ::unsetenv(name); }
    const char* name;
};

}  // namespace

TEST_CASE("an axis of size 0 takes the ranks that the others leave") {
    REQUIRE(resolve({}, 1).dp == 1);
    REQUIRE(resolve({}, 6).dp == 6);
    REQUIRE(resolve({.tp = 2}, 6).dp == 3);
    REQUIRE(resolve({.dp = 2, .tp = 0}, 6).tp == 3);
    REQUIRE(resolve({.pp = 2, .dp = 2, .cp = 2, .tp = 2}, 16).dp == 2);
    REQUIRE(text_of(resolve({.tp = 2}, 6)) == "dp=3 x tp=2");
    REQUIRE(text_of(resolve({}, 1)) == "1 rank");
}

TEST_CASE("sizes that do not multiply to the number of ranks are refused with sizes that work") {
    const Error e = error_of({.dp = 2, .tp = 2}, 6);
    REQUIRE(std::string(e.what()) == "the mesh needs 4 ranks, and 6 were started");
    REQUIRE(e.cause == "mesh.dp = 2, mesh.tp = 2");
    REQUIRE(has(e.fix, "mpirun -n 4"));
    REQUIRE(has(e.fix, "--set mesh.dp=3"));
    REQUIRE(resolve({.dp = 3, .tp = 2}, 6).dp == 3);  // as the fix says

    const Error odd = error_of({.tp = 2}, 3);
    REQUIRE(std::string(odd.what()) == "the mesh needs a multiple of 2 ranks, and 3 were started");
    REQUIRE(has(odd.fix, "--set mesh.dp=3 --set mesh.tp=1"));

    REQUIRE(has(error_of({.dp = 4}, 1).what(), "needs 4 ranks, and 1 was started"));
}

TEST_CASE("invalid sizes are refused by name") {
    REQUIRE(has(error_of({.tp = -1}, 2).what(), "mesh.tp = -1"));
    REQUIRE(has(error_of({.dp = 2000000}, 2).what(), "mesh.dp = 2000000"));
    REQUIRE(has(error_of({.dp = 0, .tp = 0}, 2).what(), "mesh.dp and mesh.tp are both 0"));
    REQUIRE_THROWS_AS(resolve({.pp = 1 << 20, .dp = 1 << 20, .ep = 1 << 20, .cp = 1 << 20, .tp = 1 << 20}, 4), Error);
}

TEST_CASE("tp varies fastest, and the groups of an axis partition the ranks") {
    const MeshSizes sizes = resolve({.dp = 2, .tp = 2}, 4);
    REQUIRE(ranks_along(sizes, axis("tp"), 1) == std::vector<int>{0, 1});
    REQUIRE(ranks_along(sizes, axis("tp"), 2) == std::vector<int>{2, 3});
    REQUIRE(ranks_along(sizes, axis("dp"), 1) == std::vector<int>{1, 3});
    REQUIRE(ranks_along(sizes, axis("pp"), 3) == std::vector<int>{3});

    const MeshSizes all = resolve({.pp = 2, .dp = 3, .ep = 2, .cp = 2, .tp = 4}, 96);
    for (int rank = 0; rank < 96; ++rank) {
        const MeshSizes place = place_of(all, rank);
        REQUIRE(rank == (((place.pp * 3 + place.dp) * 2 + place.ep) * 2 + place.cp) * 4 + place.tp);
        for (const MeshAxis& a : mesh_axes) {
            const std::vector<int> along = ranks_along(all, a, rank);
            REQUIRE(int(along.size()) == all.*a.size);
            REQUIRE(along[size_t(place.*a.size)] == rank);
            for (int other : along) REQUIRE(ranks_along(all, a, other) == along);
        }
    }
}

TEST_CASE("a mesh of one rank makes no group, and its calls return at once") {
    const Mesh mesh = make_mesh({}, {}, {});
    REQUIRE(mesh.size.dp == 1);
    float x = 2;
    double number = 3;
    mesh.dp.sum({&x, DType::f32, {1}}, {});
    mesh.tp.max({&x, DType::f32, {1}}, {});
    mesh.world.barrier();
    mesh.world.sum(std::span(&number, 1));
    REQUIRE(x == 2);
    REQUIRE(number == 3);
    REQUIRE(mesh.world.gather("me") == std::vector<std::string>{"me"});
    REQUIRE_THROWS_AS(mesh.dp.send({&x, DType::f32, {1}}, 0, {}), InternalError);
}

TEST_CASE("the number of ranks is read from the launcher's environment") {
    REQUIRE(launched_ranks() == 1);
    for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"}) {
        const LauncherVariable set(name, "12");
        REQUIRE(launched_ranks() == 12);
    }
    const LauncherVariable batch_script("SLURM_NTASKS", "8");
    REQUIRE(launched_ranks() == 1);
    for (const char* wrong : {"", "x", "-2", "0", "2x", "99999999999"}) {
        const LauncherVariable set("PMI_SIZE", wrong);
        REQUIRE_THROWS_AS(launched_ranks(), Error);
    }
}
