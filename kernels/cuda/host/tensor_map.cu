// Tensor maps are encoded by the driver. Its function is looked up at run time, so that programs link on machines without a driver.
#include "kernels/cuda/primitives/tensor_map.h"

#include "kernels/cuda/host/device.h"

namespace gradus::cuda {

namespace {

using Encode = CUresult (*)(CUtensorMap*, CUtensorMapDataType, cuuint32_t, void*, const cuuint64_t*, const cuuint64_t*,
                            const cuuint32_t*, const cuuint32_t*, CUtensorMapInterleave, CUtensorMapSwizzle,
                            CUtensorMapL2promotion, CUtensorMapFloatOOBfill);

Encode encode_of_driver() {
    constexpr unsigned since = 12000;  // CUDA 12.0
    void* function = nullptr;
    cudaDriverEntryPointQueryResult found;
    CUDA_CHECK(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function, since, cudaEnableDefault, &found));
    if (found != cudaDriverEntryPointSuccess || !function)
        throw Error("the NVIDIA driver has no tensor maps", "it lacks cuTensorMapEncodeTiled of CUDA 12.0",
                    "a newer driver");
    return reinterpret_cast<Encode>(function);
}

CUtensorMapSwizzle swizzle_of(Swizzle swizzle) {
    switch (swizzle) {
        case Swizzle::none: return CU_TENSOR_MAP_SWIZZLE_NONE;
        case Swizzle::bytes_32: return CU_TENSOR_MAP_SWIZZLE_32B;
        case Swizzle::bytes_64: return CU_TENSOR_MAP_SWIZZLE_64B;
        case Swizzle::bytes_128: return CU_TENSOR_MAP_SWIZZLE_128B;
    }
    return CU_TENSOR_MAP_SWIZZLE_NONE;
}

}  // namespace

TensorMap tensor_map(const TensorBox& description) {
    CHECK(problem_of(description).empty(), "no tensor map: " + problem_of(description));
    static const Encode encode = encode_of_driver();
    const bool wide = description.dtype == DType::f32;
    cuuint64_t extents[5], strides[5] = {};
    cuuint32_t box[5], steps[5];
    for (int i = 0; i < description.rank; ++i) {
        extents[i] = cuuint64_t(description.extent[i]);
        box[i] = cuuint32_t(description.box[i]);
        steps[i] = 1;
        if (i > 0) strides[i - 1] = cuuint64_t(description.stride[i]) * size_of(description.dtype);
    }
    TensorMap map;
    const CUresult status = encode(&map, wide ? CU_TENSOR_MAP_DATA_TYPE_FLOAT32 : CU_TENSOR_MAP_DATA_TYPE_BFLOAT16,
                                   cuuint32_t(description.rank), description.data, extents, strides, box, steps,
                                   CU_TENSOR_MAP_INTERLEAVE_NONE, swizzle_of(description.swizzle),
                                   CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
    CHECK(status == CUDA_SUCCESS, "cuTensorMapEncodeTiled failed with status " + std::to_string(int(status)));
    return map;
}

}  // namespace gradus::cuda
