#include "tests/engine/golden_tables.h"

namespace gradus::test {

std::vector<GoldenTable> golden_tables() {
    return {{reference_ops(), DType::f64, 1e-12, "64"},
            {reference_ops(), DType::f32, 1e-5, ""},
            {cpu_ops(), DType::f32, 1e-5, ""}};
}

}  // namespace gradus::test
