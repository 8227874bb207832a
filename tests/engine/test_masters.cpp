// A model in training starts from a folder's values in the full precision of its masters.
#include <catch2/catch.hpp>

#include <random>

#include "engine/checkpoint/elements.h"
#include "engine/checkpoint/optimizer_state.h"
#include "tests/engine/checkpoint_testing.h"

using namespace gradus;
using namespace gradus::testing;

namespace {

// Every master equals the value of `exact`, and every weight that value rounded.
void require_masters(Trained& trained, LanguageModel& exact) {
    int64_t rounded = 0;
    for (size_t i = 0; i < exact.weights().size(); ++i) {
        const Weight &w = trained.model->weights()[i], &e = exact.weights()[i];
        const Tensor master = trained.optimizer.read(Optimizer::State::master).of(i);
        INFO(w.name);
        for (int64_t j = 0; j < w.value.size(); ++j) {
            const float x = e.value.as<float>()[j];
            REQUIRE(std::bit_cast<uint32_t>(master.as<float>()[j]) == std::bit_cast<uint32_t>(x));
            REQUIRE(w.value.as<bf16>()[j].bits == bf16(x).bits);
            rounded += float(bf16(x)) != x;
        }
    }
    REQUIRE(rounded > 0);
}

}  // namespace

TEST_CASE("a bf16 model that starts from an f32 folder has the folder's values as masters") {
    for (const ModelConfig& m : {tiny_gpt2(), tiny_gpt2(false), tiny_llama()})
        for (OptimizerKind kind : {OptimizerKind::adamw, OptimizerKind::muon}) {
            const TemporaryFolder folder;
            Trained exact(m, DType::f32), begun(m, DType::bf16, {.kind = kind});
            exact.fill(21);
            begun.fill(22);
            save_weights(*exact.model, folder.path(), DType::f32, 2000);
            REQUIRE(load_weights(*begun.model, begun.optimizer, folder.path()).empty());
            require_masters(begun, *exact.model);
        }
}

TEST_CASE("a bf16 model that starts from an f16 folder has the folder's values as masters") {
    const fs::path folder = fs::path(GRADUS_ROOT) / "tests/goldens/models/gpt2-f16";
    const ModelConfig m = read_model_config(folder);
    Trained begun(m, DType::bf16);
    auto exact = make_language_model(memory_ops(), m, DType::f32);
    load_weights(*exact, folder);
    load_weights(*begun.model, begun.optimizer, folder);
    require_masters(begun, *exact);
}

TEST_CASE("an f32 model that starts from a folder has its values as weights") {
    const TemporaryFolder folder;
    Trained exact(tiny_llama(), DType::f32), begun(tiny_llama(), DType::f32);
    exact.fill(23);
    save_weights(*exact.model, folder.path(), DType::f32);
    REQUIRE(load_weights(*begun.model, begun.optimizer, folder.path()).empty());
    REQUIRE(begun.weight_bits() == exact.weight_bits());
}

TEST_CASE("masters and weights are unchanged if a folder does not match the model") {
    const TemporaryFolder folder;
    Trained other(tiny_gpt2(), DType::f32), begun(tiny_gpt2(false), DType::bf16);
    save_weights(*other.model, folder.path(), DType::f32);
    begun.fill(24);
    const std::string before = begun.bits();
    REQUIRE(says(refusal([&] { load_weights(*begun.model, begun.optimizer, folder.path()); }), "no tensor"));
    REQUIRE(begun.bits() == before);
}

TEST_CASE("a value stored as f64 is rounded to bf16 once") {
    auto bf16_of = [](double x) {
        bf16 y;
        copy_elements({reinterpret_cast<std::byte*>(&y), Element::bf16, 1, 1},
                      {reinterpret_cast<const std::byte*>(&x), Element::f64, 1, 1}, 1, 1);
        return y.bits;
    };
    const double half = 1 + 0x1p-8;  // between the neighbours 1 and 1 + 2^-7
    REQUIRE(bf16_of(half) == bf16(1.0f).bits);
    for (double sign : {1.0, -1.0}) {
        REQUIRE(bf16_of(sign * (half + 0x1p-40)) == bf16(float(sign) * (1 + 0x1p-7f)).bits);
        REQUIRE(bf16_of(sign * (half - 0x1p-40)) == bf16(float(sign)).bits);
        REQUIRE(bf16_of(sign * (half + 0x1p-7 - 0x1p-40)) == bf16(float(sign) * (1 + 0x1p-7f)).bits);
    }
    std::mt19937_64 random(9);
    for (int i = 0; i < 20000; ++i) {  // against the neighbours, in f64
        const double x = std::bit_cast<double>((random() & 0x800fffffffffffffu) | (random() % 200 + 923) << 52);
        const float found = float(std::bit_cast<bf16>(bf16_of(x)));
        const uint16_t bits = bf16_of(x);
        for (int step : {-1, 1}) {
            const float other = float(std::bit_cast<bf16>(uint16_t(bits + step)));
            REQUIRE(std::abs(double(found) - x) <= std::abs(double(other) - x));
        }
    }
    REQUIRE((bf16_of(std::nan("")) & 0x7fff) > 0x7f80);
    REQUIRE(bf16_of(1e-300) == 0);
    REQUIRE(bf16_of(1e300) == 0x7f80);
}
