#pragma once
// The places in the code at which counted accesses happen, numbered.
#include <string>
#include <vector>

#include "kernels/simt/location.h"

namespace gradus::emulator {

struct Site {
    const void* address = nullptr;  // the return address of an access, or null
    Location location;              // otherwise
    bool write = false;
};

int site_of(const void* address, bool write);
int site_of(Location location, bool write);
const Site& site_at(int number);

// "kernels/cuda/layernorm.cu:31" for each of the sites, through addr2line; "" where it does not know.
std::vector<std::string> places_of(const std::vector<int>& sites);

}  // namespace gradus::emulator
