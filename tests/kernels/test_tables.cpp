// What every table owes beside its arithmetic, and what a build without CUDA answers.
#include <catch2/catch.hpp>

#include "kernels/elementwise.h"
#include "tests/kernels/entries.h"
#include "tests/kernels/harness.h"

using namespace gradus;
using namespace gradus::test;

TEST_CASE("the reference table leaves out no op") {
    REQUIRE(missing_entries(reference_ops()) == "");
    REQUIRE(std::string(reference_ops().name) == "reference");
}

TEST_CASE("memory of the host's tables is aligned, in huge pages where it is large, and takes zeros and copies") {
    for (const Ops* ops : {&reference_ops(), &cpu_ops()})
        for (size_t bytes : {size_t(0), size_t(1), size_t(64), size_t(1000), size_t(5) << 20}) {
            INFO(ops->name << ", " << bytes << " bytes");
            const bool huge = ops == &cpu_ops() && bytes > size_t(4) << 20;
            void* memory = ops->allocate(bytes);
            REQUIRE(memory != nullptr);
            REQUIRE(reinterpret_cast<uintptr_t>(memory) % (huge ? size_t(2) << 20 : 64) == 0);
            std::vector<char> out(bytes, 'o'), in(bytes, 'i');
            ops->copy_to_device(memory, out.data(), bytes, {});
            ops->copy_to_host(in.data(), memory, bytes, {});
            REQUIRE(in == out);
            ops->zero(memory, bytes, {});
            ops->copy_to_host(in.data(), memory, bytes, {});
            REQUIRE(in == std::vector<char>(bytes, 0));
            ops->synchronise({});
            ops->release(memory, bytes);
        }
}

TEST_CASE("memory that the system does not have is an Error that names the bytes and what to lower") {
    for (const Ops* ops : {&reference_ops(), &cpu_ops()})
        for (size_t bytes : {size_t(1) << 60, ~size_t(0)}) {
            try {
                ops->allocate(bytes);
                FAIL("was given memory that nobody has");
            } catch (const Error& e) {
                REQUIRE_THAT(e.what(), Catch::Contains(std::to_string(bytes) + " bytes"));
                REQUIRE_THAT(e.fix, Catch::Contains("batch"));
            }
        }
}

TEST_CASE("the reference table says that it does not compute in bf16, and what to do") {
    const Owned a = random(1, DType::bf16, {3}), b = random(2, DType::bf16, {3}), y = poisoned(DType::bf16, {3});
    try {
        reference_ops().add({.y = y, .a = a, .b = b}, {});
        FAIL("computed in bf16");
    } catch (const Error& e) {
        REQUIRE_THAT(e.what(), Catch::Contains("bf16"));
        REQUIRE_THAT(e.fix, Catch::Contains("f32"));
    }
}

TEST_CASE("a build without CUDA or a machine without a GPU says so and names a device that works") {
    try {
        cuda_ops();
        SUCCEED("there is a GPU");
    } catch (const Error& e) {
        REQUIRE_THAT(e.text(), Catch::Contains("CUDA"));
        REQUIRE_THAT(e.fix, Catch::Contains("train.device=cpu"));
    }
}
