// A safetensors file is a list of tensors inside the file, or an Error.
#include "engine/checkpoint/stored_tensors.h"
#include "tests/fuzz/reading.h"

using namespace gradus;
using namespace gradus::fuzzing;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    try {
        const SafetensorsFile file(as_file(data, size));
        size_t bytes = 0;
        ModelConfig gpt2, llama;
        llama.family = "llama";
        llama.position = Position::rotary;
        for (const SafetensorsFile::Entry& e : file.entries()) {
            bytes += e.bytes;
            require(file.find(e.name) == &e);
            require(same_content(e, e));
            is_redundant(e, gpt2);
            is_redundant(e, llama);
        }
        require(bytes < size);
        if (file.entries().size() > 1) same_content(file.entries()[0], file.entries()[1]);
    } catch (const Error& e) { check(e); }
    return 0;
}
