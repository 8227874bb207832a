// Sixty steps of two tiny models, hashed to one number each. A commit that changes a number in tests/signature.txt says
// why; every other commit leaves the results unchanged, bit for bit.
//
// The reference table is compiled without contraction, so the bits are the same on every x86-64 machine.
#include <catch2/catch.hpp>
#include <cstring>
#include <fstream>
#include <sstream>

#include "engine/base/file.h"
#include "engine/base/fnv.h"
#include "tests/engine/models.h"

using namespace gradus;
using namespace gradus::test;

namespace {

std::string signature_of(const ModelConfig& m) {
    TrainerConfig c;
    c.batch = 4;
    c.micro_batch = 2;
    c.context = 8;
    c.dropout = 0.1;
    c.loss = {0.05, 1e-4};
    c.schedule = {Decay::constant, 3e-3, 0, 10, 60, 0};
    auto model = make_language_model(reference_ops(), m, DType::f32, {.B = 2, .T = 8}, {.training = true});
    initialise(*model, 1);
    Trainer trainer(*model, c);
    uint64_t hash = fnv_start;
    for (int step = 0; step < 60; ++step) {
        const StepResult r =
            trainer.step(step, [&](int64_t first, HostBatch& b) { b = packed_batch(b.B, b.T, m.V, unsigned(first)); });
        uint64_t bits = 0;
        std::memcpy(&bits, &r.loss, sizeof bits);
        hash = fnv_step(hash, bits);
    }
    std::ostringstream text;
    text << std::hex << hash;
    return text.str();
}

}  // namespace

TEST_CASE("sixty steps of tiny models have the signature of tests/signature.txt") {
    std::ostringstream found;
    found << "gpt2 " << signature_of(tiny_gpt2()) << "\nllama " << signature_of(tiny_llama()) << "\n";
    REQUIRE(found.str() == read_file(GRADUS_ROOT "/tests/signature.txt"));
}
