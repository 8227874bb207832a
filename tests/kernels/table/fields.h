#pragma once
// Reflection of the argument structs: with(args, f) calls f(field, field, …) with references to all fields.
//
// The number of fields is the number of initialisers that the struct accepts; structured bindings name them. A struct with more
// than twenty-two fields does not compile, and needs another line below.
#include <type_traits>

namespace gradus::test {

struct Anything {
    template <class Field>
    operator Field() const;
};

template <class Args, class... Initialisers>
constexpr int field_count() {
    if constexpr (requires { Args{Initialisers{}..., Anything{}}; })
        return field_count<Args, Initialisers..., Anything>();
    else return int(sizeof...(Initialisers));
}

// Counts down from the maximum: In, Out and Acc have no default, so too few initialisers do not compile.
template <class Args, class... Initialisers>
constexpr int fields_of() {
    if constexpr (requires { Args{Initialisers{}...}; }) return field_count<Args, Initialisers...>();
    else return fields_of<Args, Initialisers..., Anything>();
}

template <class Args, class Visit>
auto with(Args& args, Visit&& visit) {
    constexpr int count = fields_of<std::remove_const_t<Args>>();
    static_assert(2 <= count && count <= 22, "an op's arguments have more fields than fields.h names");
    // clang-format off
    if constexpr (count == 2) { auto& [a, b] = args; return visit(a, b); }
    if constexpr (count == 3) { auto& [a, b, c] = args; return visit(a, b, c); }
    if constexpr (count == 4) { auto& [a, b, c, d] = args; return visit(a, b, c, d); }
    if constexpr (count == 5) { auto& [a, b, c, d, e] = args; return visit(a, b, c, d, e); }
    if constexpr (count == 6) { auto& [a, b, c, d, e, f] = args; return visit(a, b, c, d, e, f); }
    if constexpr (count == 7) { auto& [a, b, c, d, e, f, g] = args; return visit(a, b, c, d, e, f, g); }
    if constexpr (count == 8) { auto& [a, b, c, d, e, f, g, h] = args; return visit(a, b, c, d, e, f, g, h); }
    if constexpr (count == 9) { auto& [a, b, c, d, e, f, g, h, i] = args; return visit(a, b, c, d, e, f, g, h, i); }
    if constexpr (count == 10) { auto& [a, b, c, d, e, f, g, h, i, j] = args; return visit(a, b, c, d, e, f, g, h, i, j); }
    if constexpr (count == 11) { auto& [a, b, c, d, e, f, g, h, i, j, k] = args; return visit(a, b, c, d, e, f, g, h, i, j, k); }
    if constexpr (count == 12) { auto& [a, b, c, d, e, f, g, h, i, j, k, l] = args; return visit(a, b, c, d, e, f, g, h, i, j, k, l); }
    if constexpr (count == 13) { auto& [a, b, c, d, e, f, g, h, i, j, k, l, m] = args; return visit(a, b, c, d, e, f, g, h, i, j, k, l, m); }
    if constexpr (count == 14) { auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = args; return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n); }
    if constexpr (count == 15) { auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o] = args; return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o); }
    if constexpr (count == 16) { auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = args; return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p); }
    if constexpr (count == 17) { auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q] = args; return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q); }
    if constexpr (count == 18) { auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r] = args; return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r); }
    if constexpr (count == 19) { auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s] = args; return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s); }
    if constexpr (count == 20) { auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t] = args; return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t); }
    if constexpr (count == 21) { auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u] = args; return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u); }
    if constexpr (count == 22) { auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v] = args; return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v); }
    // clang-format on
}

}  // namespace gradus::test
