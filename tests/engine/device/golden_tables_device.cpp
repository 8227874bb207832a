#include "tests/engine/golden_tables.h"
#include "tests/kernels/table/tested.h"

namespace gradus::test {

std::vector<GoldenTable> golden_tables() { return {{tested().device, DType::f32, 1e-5, ""}}; }

}  // namespace gradus::test
