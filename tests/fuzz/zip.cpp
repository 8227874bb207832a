// A zip archive is members inside the file, a checkpoint of nanoGPT is a model of finite size, or either is an Error.
#include "engine/checkpoint/safetensors.h"
#include "engine/convert/nanogpt.h"
#include "engine/convert/torch_file.h"
#include "tests/engine/checkpoint_testing.h"
#include "tests/fuzz/reading.h"

using namespace gradus;
using namespace gradus::fuzzing;

namespace {

unsigned sum_of(const std::byte* bytes, size_t count) {  // reads every byte: a sanitizer sees those outside
    unsigned sum = 0;
    for (size_t i = 0; i < count; ++i) sum += unsigned(bytes[i]);
    return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const fs::path path = as_file(data, size);
    try {
        const ZipFile zip(path);
        for (const ZipFile::Member& m : zip.members()) {
            require(m.bytes <= size);
            volatile unsigned sum = sum_of(m.data, m.bytes);
            (void)sum;
        }
    } catch (const Error& e) { check(e); }
    try {
        const ForeignModel read = read_nanogpt(gradus::testing::memory_ops(), path, {});
        require(parameter_count(read.model->config()) > 0);
    } catch (const Error& e) { check(e); }
    return 0;
}
