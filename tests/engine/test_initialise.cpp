// Initial weights are functions of only seed, name and index.
#include <catch2/catch.hpp>

#include <omp.h>

#include "engine/initialise.h"
#include "tests/engine/checkpoint_testing.h"

using namespace gradus;
using namespace gradus::testing;

namespace {

ModelConfig odd_llama() {  // sizes that are not divisible by the number of threads
    ModelConfig m = tiny_llama();
    m.F = 37;
    m.V = 131;
    return m;
}

std::string initial_bits(const ModelConfig& m, DType dtype, int threads, uint64_t seed = 5) {
    const int before = omp_get_max_threads();
    omp_set_num_threads(threads);
    auto model = make_language_model(memory_ops(), m, dtype);
    initialise(*model, seed);
    omp_set_num_threads(before);
    return {static_cast<const char*>(model->parameters.values.flat().data), model->parameters.values.flat().bytes()};
}

}  // namespace

TEST_CASE("initial weights have the same bits for any number of threads") {
    for (const ModelConfig& m : {tiny_gpt2(), odd_llama()})
        for (DType dtype : {DType::f32, DType::bf16}) {
            const std::string one = initial_bits(m, dtype, 1);
            for (int threads : {2, 3, 5, 16}) {
                INFO(threads << " threads, " << name_of(dtype));
                REQUIRE((initial_bits(m, dtype, threads) == one));
            }
            REQUIRE((initial_bits(m, dtype, 1, 6) != one));
        }
}

TEST_CASE("the initial weights of a bf16 model are those of the f32 model, rounded to nearest") {
    for (const ModelConfig& m : {tiny_gpt2(), odd_llama()}) {
        auto wide = make_language_model(memory_ops(), m, DType::f32),
             narrow = make_language_model(memory_ops(), m, DType::bf16);
        initialise(*wide, 7);
        initialise(*narrow, 7);
        int64_t rounded = 0;
        for (size_t i = 0; i < wide->weights().size(); ++i) {
            const Weight &w = wide->weights()[i], &n = narrow->weights()[i];
            INFO(w.name);
            for (int64_t j = 0; j < w.value.size(); ++j) {
                const float x = w.value.as<float>()[j];
                REQUIRE(n.value.as<bf16>()[j].bits == bf16(x).bits);
                rounded += float(bf16(x)) != x;
            }
        }
        REQUIRE(rounded > 100);
    }
}
