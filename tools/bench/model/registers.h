#pragma once
// The registers of each kernel, as ptxas reports them: they decide how many blocks are resident on an SM.
#include <map>
#include <string>

namespace gradus {

// From tests/cuda/budgets.toml: [sm_80."kernel<float>"] registers = 40. Empty if `file` is empty. Error: not such a file.
using Registers = std::map<std::string, int>;
Registers read_registers(const std::string& file, int capability);

}  // namespace gradus
