// What the host code passes to cuTensorMapEncodeTiled.
#include <catch2/catch.hpp>

#include "kernels/cuda/host/device.h"
#include "kernels/cuda/primitives/tensor_map.h"

using namespace gradus;
using cuda::Swizzle;
using cuda::TensorBox;

namespace {

alignas(16) char memory[64];

// q of a packed qkv: channel, head, row, sequence.
TensorBox packed_heads_of(void* data) {
    return {data, DType::bf16, 4, {128, 6, 100, 3}, {1, 128, 1280, 128000}, {64, 1, 64, 1}, Swizzle::bytes_128};
}

}  // namespace

TEST_CASE("a tensor map has its strides in bytes from dimension 1, and element strides of 1") {
    cuda::open_device(0);
    const cuda::TensorMap map = cuda::tensor_map(packed_heads_of(memory));
    REQUIRE(map.type == CU_TENSOR_MAP_DATA_TYPE_BFLOAT16);
    REQUIRE(map.rank == 4);
    REQUIRE(map.data == memory);
    REQUIRE(map.swizzle == CU_TENSOR_MAP_SWIZZLE_128B);
    const cuuint64_t extents[] = {128, 6, 100, 3}, strides[] = {256, 2560, 256000};
    const cuuint32_t box[] = {64, 1, 64, 1};
    for (int i = 0; i < 4; ++i) {
        REQUIRE(map.extents[i] == extents[i]);
        REQUIRE(map.box[i] == box[i]);
        REQUIRE(map.steps[i] == 1);
        if (i < 3) REQUIRE(map.strides[i] == strides[i]);
    }
}

TEST_CASE("a description that the hardware cannot read has no tensor map, and says why") {
    cuda::open_device(0);
    const auto refused = [](const char* why, auto change) {
        TensorBox description = packed_heads_of(memory);
        change(description);
        INFO(why);
        REQUIRE_THAT(cuda::problem_of(description), Catch::Contains(why));
        REQUIRE_THROWS_WITH(cuda::tensor_map(description), Catch::Contains(why));
    };
    REQUIRE(cuda::problem_of(packed_heads_of(memory)).empty());
    refused("address", [](TensorBox& t) { t.data = memory + 2; });
    refused("bf16 or f32", [](TensorBox& t) { t.dtype = DType::f64; });
    refused("one to five", [](TensorBox& t) { t.rank = 6; });
    refused("contiguous", [](TensorBox& t) { t.stride[0] = 2; });
    refused("extent of dimension 2", [](TensorBox& t) { t.extent[2] = 0; });
    refused("length of dimension 2", [](TensorBox& t) { t.box[2] = 257; });
    refused("stride of dimension 2 must be a multiple", [](TensorBox& t) { t.stride[2] = 1281; });
    refused("stride of dimension 3 must be below", [](TensorBox& t) { t.stride[3] = int64_t(1) << 39; });
    refused("stride of dimension 2 is below", [](TensorBox& t) { t.stride[2] = 64; });
    refused("its swizzle 128", [](TensorBox& t) { t.box[0] = 32; });
    refused("its swizzle 64", [](TensorBox& t) { t.swizzle = Swizzle::bytes_64; });
    refused("larger than shared memory", [](TensorBox& t) { t.box[1] = 256; });
}
