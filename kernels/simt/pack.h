#pragma once
// 16-byte vector loads and stores.
#include <cstdint>

#include "kernels/simt/fault.h"

namespace gradus::simt {

template <class Element>
struct alignas(16) Pack {
    static constexpr int size = 16 / int(sizeof(Element));
    Element values[size];

    constexpr Element& operator[](int i) { return values[i]; }
    constexpr const Element& operator[](int i) const { return values[i]; }
};

}  // namespace gradus::simt

namespace gradus::emulator {

inline void check_pack(const void* address, const char* op, Location at) {
    if (reinterpret_cast<uintptr_t>(address) % 16) fault(std::string(op) + ": the address is not a multiple of 16", at);
}

}  // namespace gradus::emulator

namespace gradus::simt {

// Fault: an address that is not a multiple of 16.
template <class Element>
Pack<Element> load_pack(const Element* address, emulator::Location at = emulator::Location::here()) {
    emulator::check_pack(address, "load_pack", at);
    Pack<Element> pack;
    __builtin_memcpy(static_cast<void*>(&pack), address, 16);
    return pack;
}

template <class Element>
void store_pack(Element* address, const Pack<Element>& pack, emulator::Location at = emulator::Location::here()) {
    emulator::check_pack(address, "store_pack", at);
    __builtin_memcpy(static_cast<void*>(address), &pack, 16);
}

}  // namespace gradus::simt
