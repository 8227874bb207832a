// The name of a function from an address in it, for messages. Unlike the dynamic linker, the program's own symbol table has the
// names of static functions and templates.
#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <vector>

#include "kernels/simt/machine.h"

namespace gradus::emulator {

namespace {

template <class Item>
std::vector<Item> read_items(std::ifstream& file, uint64_t offset, uint64_t bytes) {
    std::vector<Item> items(bytes / sizeof(Item));
    file.seekg(std::streamoff(offset));
    if (!items.empty()) file.read(reinterpret_cast<char*>(items.data()), std::streamsize(items.size() * sizeof(Item)));
    return file ? items : std::vector<Item>();
}

std::string demangled(const char* symbol) {
    int status = 0;
    char* text = abi::__cxa_demangle(symbol, nullptr, nullptr, &status);
    std::string name = status == 0 ? text : symbol;
    std::free(text);
    // "void gradus::simt::rows<float>(float*, int)" without the return type and the parameters.
    int depth = 0;
    for (size_t i = 0; i < name.size(); ++i) {
        if (name.compare(i, 21, "(anonymous namespace)") == 0) i += 20;
        if (name[i] == '<') ++depth;
        if (name[i] == '>') --depth;
        if (name[i] == '(' && depth == 0) name.resize(i);
    }
    if (name.rfind("void ", 0) == 0) name.erase(0, 5);
    return name;
}

}  // namespace

std::string function_name(const void* address) {
    char unknown[32];
    std::snprintf(unknown, sizeof unknown, "%p", address);
    Dl_info object{};
    if (!::dladdr(address, &object)) return unknown;
    std::ifstream file(object.dli_fname, std::ios::binary);
    const auto header = read_items<Elf64_Ehdr>(file, 0, sizeof(Elf64_Ehdr));
    if (header.empty()) return unknown;
    const uint64_t base = header[0].e_type == ET_DYN ? reinterpret_cast<uint64_t>(object.dli_fbase) : 0;
    const auto sections =
        read_items<Elf64_Shdr>(file, header[0].e_shoff, uint64_t(header[0].e_shnum) * sizeof(Elf64_Shdr));
    for (const Elf64_Shdr& table : sections) {
        if (table.sh_type != SHT_SYMTAB || table.sh_link >= sections.size()) continue;
        const Elf64_Shdr& names = sections[table.sh_link];
        for (const Elf64_Sym& symbol : read_items<Elf64_Sym>(file, table.sh_offset, table.sh_size)) {
            const uint64_t first = symbol.st_value + base, wanted = reinterpret_cast<uint64_t>(address);
            if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || wanted < first || wanted - first >= symbol.st_size)
                continue;
            file.clear();
            file.seekg(std::streamoff(names.sh_offset + symbol.st_name));
            std::string text;
            if (std::getline(file, text, '\0')) return demangled(text.c_str());
        }
    }
    return unknown;
}

}  // namespace gradus::emulator
