#include "engine/checkpoint/elements.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "kernels/scalar.h"

namespace gradus {

namespace {

// IEEE binary16: 5 bits of exponent, 10 of fraction. Only read.
struct half {
    uint16_t bits;

    explicit operator float() const {
        const uint32_t sign = uint32_t(bits & 0x8000u) << 16, exponent = bits >> 10 & 31u, fraction = bits & 1023u;
        if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | fraction << 13);
        if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
        const float magnitude = float(fraction) * 0x1p-24f;  // zero or subnormal
        return sign ? -magnitude : magnitude;
    }
};

template <class Scalar>
auto widened(Scalar x) {
    if constexpr (std::is_same_v<Scalar, c128>) return x.real();
    else if constexpr (std::is_same_v<Scalar, double>) return x;
    else return float(x);
}

// Round to odd: an inexact result gets an odd last bit, so that rounding it again, to bf16, equals a single rounding.
float rounded_to_odd(double x) {
    const float nearest = float(x);
    if (double(nearest) == x || x != x || std::isinf(nearest)) return nearest;
    uint32_t bits = std::bit_cast<uint32_t>(nearest);
    if ((bits & 1) == 0) bits += (double(nearest) < x) == (x > 0) ? 1u : ~0u;  // the neighbour on the other side of x
    return std::bit_cast<float>(bits);
}

template <class To, class From>
To converted(From x) {
    if constexpr (std::is_same_v<To, From>) return x;
    else if constexpr (std::is_same_v<To, bf16> && sizeof(From) >= sizeof(double))
        return bf16(rounded_to_odd(double(widened(x))));
    else if constexpr (std::is_same_v<To, bf16>) return bf16(float(widened(x)));
    else return To(widened(x));
}

template <class To, class From>
void copy_as(const Strided<std::byte>& to, const Strided<const std::byte>& from, int64_t rows, int64_t columns) {
    auto copy_one = [&](int64_t r, int64_t c) {
        From x;
        std::memcpy(&x, from.data + size_t(r * from.row + c * from.column) * sizeof(From), sizeof x);
        const To y = converted<To>(x);
        std::memcpy(to.data + size_t(r * to.row + c * to.column) * sizeof(To), &y, sizeof y);
    };
    if (to.column == 1 && from.column == 1) {  // a separate loop, so that the compiler vectorises it
        for (int64_t r = 0; r < rows; ++r) {
            const std::byte* x = from.data + size_t(r * from.row) * sizeof(From);
            std::byte* y = to.data + size_t(r * to.row) * sizeof(To);
            if constexpr (std::is_same_v<To, From>) std::memcpy(y, x, size_t(columns) * sizeof(To));
            else
                for (int64_t c = 0; c < columns; ++c) {
                    From from_one;
                    std::memcpy(&from_one, x + size_t(c) * sizeof(From), sizeof(From));
                    const To to_one = converted<To>(from_one);
                    std::memcpy(y + size_t(c) * sizeof(To), &to_one, sizeof(To));
                }
        }
    } else if (from.column <= from.row)  // reads the source in memory order
        for (int64_t r = 0; r < rows; ++r)
            for (int64_t c = 0; c < columns; ++c) copy_one(r, c);
    else
        for (int64_t c = 0; c < columns; ++c)
            for (int64_t r = 0; r < rows; ++r) copy_one(r, c);
}

template <class To>
void copy_to(const Strided<std::byte>& to, const Strided<const std::byte>& from, int64_t rows, int64_t columns) {
    switch (from.element) {
        case Element::f32: return copy_as<To, float>(to, from, rows, columns);
        case Element::bf16: return copy_as<To, bf16>(to, from, rows, columns);
        case Element::f16: return copy_as<To, half>(to, from, rows, columns);
        case Element::f64: return copy_as<To, double>(to, from, rows, columns);
        case Element::c128: return copy_as<To, c128>(to, from, rows, columns);
    }
}

}  // namespace

std::optional<Element> element_of(const std::string& dtype) {
    if (dtype == "F32") return Element::f32;
    if (dtype == "BF16") return Element::bf16;
    if (dtype == "F16") return Element::f16;
    if (dtype == "F64") return Element::f64;
    return {};
}

Element element_of(DType dtype) {
    switch (dtype) {
        case DType::f32: return Element::f32;
        case DType::bf16: return Element::bf16;
        case DType::f64: return Element::f64;
        case DType::c128: return Element::c128;
        case DType::i32: break;
    }
    check_failed("weights are real numbers", __FILE__, __LINE__, name_of(dtype));
}

size_t size_of(Element element) {
    switch (element) {
        case Element::bf16:
        case Element::f16: return 2;
        case Element::f32: return 4;
        case Element::f64: return 8;
        case Element::c128: return 16;
    }
    return 0;
}

std::string stored_name(DType dtype) {
    switch (dtype) {
        case DType::f32: return "F32";
        case DType::bf16: return "BF16";
        case DType::f64: return "F64";
        default: check_failed("a dtype that files hold", __FILE__, __LINE__, name_of(dtype));
    }
}

std::string torch_name(DType dtype) {
    switch (dtype) {
        case DType::f32: return "float32";
        case DType::bf16: return "bfloat16";
        case DType::f64: return "float64";
        default: check_failed("a dtype that files hold", __FILE__, __LINE__, name_of(dtype));
    }
}

void copy_elements(const Strided<std::byte>& to, const Strided<const std::byte>& from, int64_t rows, int64_t columns) {
    const bool dense = to.column == 1 && from.column == 1 && to.row == columns && from.row == columns;
    if (dense && rows > 1) return copy_elements(to, from, 1, rows * columns);
    switch (to.element) {
        case Element::f32: return copy_to<float>(to, from, rows, columns);
        case Element::bf16: return copy_to<bf16>(to, from, rows, columns);
        case Element::f64: return copy_to<double>(to, from, rows, columns);
        case Element::c128: return copy_to<c128>(to, from, rows, columns);
        case Element::f16: check_failed("half precision is only read", __FILE__, __LINE__, "");
    }
}

}  // namespace gradus
