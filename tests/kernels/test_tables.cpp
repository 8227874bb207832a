// Completeness and memory of the host backends, and the errors of a build without CUDA.
#include <catch2/catch.hpp>

#include "kernels/elementwise.h"
#include "tests/kernels/entries.h"
#include "tests/kernels/harness.h"

using namespace gradus;
using namespace gradus::test;

TEST_CASE("the reference has every op") {
    REQUIRE(missing_entries(reference_ops()) == "");
    REQUIRE(std::string(reference_ops().name) == "reference");
}

TEST_CASE("memory of the host backends is aligned, large blocks to huge pages, and can be zeroed and copied") {
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

TEST_CASE("out of memory is an Error that names the bytes and what to lower") {
    for (const Ops* ops : {&reference_ops(), &cpu_ops()})
        for (size_t bytes : {size_t(1) << 60, ~size_t(0)}) {
            try {
                ops->allocate(bytes);
                FAIL("the allocation did not fail");
            } catch (const Error& e) {
                REQUIRE_THAT(e.what(), Catch::Contains(std::to_string(bytes) + " bytes"));
                REQUIRE_THAT(e.fix, Catch::Contains("batch"));
            }
        }
}

TEST_CASE("the reference rejects bf16 with an Error that says what to do") {
    const Owned a = random(1, DType::bf16, {3}), b = random(2, DType::bf16, {3}), y = poisoned(DType::bf16, {3});
    try {
        reference_ops().add({.y = y, .a = a, .b = b}, {});
        FAIL("computed in bf16");
    } catch (const Error& e) {
        REQUIRE_THAT(e.what(), Catch::Contains("bf16"));
        REQUIRE_THAT(e.fix, Catch::Contains("f32"));
    }
}

TEST_CASE("the Error without CUDA or without a GPU names a device that works") {
    try {
        cuda_ops();
        SUCCEED("there is a GPU");
    } catch (const Error& e) {
        REQUIRE_THAT(e.text(), Catch::Contains("CUDA"));
        REQUIRE_THAT(e.fix, Catch::Contains("train.device=cpu"));
    }
}
