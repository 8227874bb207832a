#include "kernels/simt/counting_sites.h"

#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <memory>

namespace gradus::emulator {

namespace {

// A hash table with open addressing from (key, line, write) to a number.
class Numbers {
public:
    int of(const Site& site, uintptr_t key, int line) {
        size_t at = (key * 31 + uintptr_t(line) * 2 + site.write) * 0x9E3779B97F4A7C15u >> 48;
        while (true) {
            Slot& slot = slots_[at & (slots - 1)];
            if (slot.number < 0) {
                if (all_.size() * 2 > slots) std::abort();  // no program has as many lines of kernels
                slot = {key, line, site.write, int(all_.size())};
                all_.push_back(site);
                return slot.number;
            }
            if (slot.key == key && slot.line == line && slot.write == site.write) return slot.number;
            ++at;
        }
    }
    const Site& at(int number) const { return all_[size_t(number)]; }

private:
    static constexpr size_t slots = 1 << 16;
    struct Slot {
        uintptr_t key = 0;
        int line = 0;
        bool write = false;
        int number = -1;
    };
    std::vector<Slot> slots_ = std::vector<Slot>(slots);
    std::vector<Site> all_;
};

Numbers& numbers() {
    static Numbers one;
    return one;
}

std::string from_root(const std::string& path) {
    const size_t at = path.rfind("/kernels/"), test = path.rfind("/tests/");
    if (at != path.npos) return path.substr(at + 1);
    return test != path.npos ? path.substr(test + 1) : path;
}

// addr2line prints the lines of an address from the innermost inlined function outwards. The place is the first outside the
// headers of types and primitives, which are everywhere.
bool is_kernel(const std::string& line) {
    return line.find(".cu:") != line.npos || line.find("kernels/cuda/") != line.npos;
}

}  // namespace

int site_of(const void* address, bool write) {
    return numbers().of({address, {}, write}, reinterpret_cast<uintptr_t>(address), 0);
}

int site_of(Location location, bool write) {
    return numbers().of({nullptr, location, write}, reinterpret_cast<uintptr_t>(location.file), location.line);
}

const Site& site_at(int number) { return numbers().at(number); }

std::vector<std::string> places_of(const std::vector<int>& sites) {
    std::vector<std::string> places(sites.size());
    std::vector<size_t> asked;
    std::string command;
    for (size_t i = 0; i < sites.size(); ++i) {
        const Site& site = site_at(sites[i]);
        if (!site.address) {
            places[i] = from_root(site.location.text());
            continue;
        }
        Dl_info object{};
        if (!::dladdr(site.address, &object)) continue;
        if (command.empty()) command = std::string("addr2line -a -i -e '") + object.dli_fname + "'";
        char text[32];
        // One byte back: the call, not what follows it.
        const auto offset = static_cast<const char*>(site.address) - static_cast<const char*>(object.dli_fbase) - 1;
        std::snprintf(text, sizeof text, " 0x%lx", static_cast<unsigned long>(offset));
        command += text;
        asked.push_back(i);
    }
    if (asked.empty()) return places;
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen((command + " 2>/dev/null").c_str(), "r"), ::pclose);
    if (!pipe) return places;
    char buffer[4096];
    size_t next = 0;
    while (std::fgets(buffer, sizeof buffer, pipe.get())) {
        std::string line = buffer;
        line.resize(line.find_first_of(" \n"));  // " (discriminator 2)" follows some lines
        if (line.rfind("0x", 0) == 0) {
            ++next;
        } else if (next >= 1 && next <= asked.size() && is_kernel(line) && places[asked[next - 1]].empty()) {
            places[asked[next - 1]] = from_root(line);
        }
    }
    return places;
}

}  // namespace gradus::emulator
