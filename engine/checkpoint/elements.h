#pragma once
// Converts numbers between files and tensors: F32, BF16, F16 and F64 in files; f32, bf16, f64 and c128 (imaginary part zero)
// in memory.
//
// Same type: the same bits. To a wider type: exact. To a narrower one: rounded to nearest, ties to even.
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

// A matrix anywhere in memory, without alignment: element (r,c) is number r·row + c·column from data.
template <class Byte>
struct Strided {
    Byte* data;
    Element element;
    int64_t row, column;
};

void copy_elements(const Strided<std::byte>& to, const Strided<const std::byte>& from, int64_t rows, int64_t columns);

}  // namespace gradus
