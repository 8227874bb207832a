#pragma once
// Converts numbers between files and tensors: F32, BF16, F16 and F64 in files; f32, bf16, f64 and c128 (imaginary part
// zero) in memory.
//
// Conversion to the same type keeps the bits, to a wider type is exact, to a narrower type rounds to nearest, ties to
// even.
#include <optional>
#include <string>

#include "kernels/tensor.h"

namespace gradus {

enum class Element { f32, bf16, f16, f64, c128 };

std::optional<Element> element_of(const std::string& stored_dtype);  // empty: not a real number's dtype
Element element_of(DType);
size_t size_of(Element);
// "BF16": the name in a safetensors file. "bfloat16": the name in a config.json.
std::string stored_name(DType);
std::string torch_name(DType);

// A matrix in memory, possibly unaligned: element (r,c) has the index r·row + c·column.
template <class Byte>
struct Strided {
    Byte* data;
    Element element;
    int64_t row, column;
};

void copy_elements(const Strided<std::byte>& to, const Strided<const std::byte>& from, int64_t rows, int64_t columns);

}  // namespace gradus
