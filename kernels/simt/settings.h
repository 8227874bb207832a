#pragma once
// The execution order that the emulator chooses. A GPU may choose any order too, so a correct program gives the same result for
// all settings.
#include <cstdint>
#include <string>

namespace gradus::simt {

// When asynchronous work runs. On a GPU it runs some time between these two extremes.
//   early  at once: a launch or a copy runs inside the call that queues it; cp.async has copied when it returns. Finds a
//          buffer that is overwritten while it is still read.
//   late   as late as the model allows: queued work runs in synchronise(), cp.async copies in its wait, a bulk load
//          when no thread can run without it. Finds a wait that is missing or too weak.
enum class Copies { early, late };

struct Settings {
    uint64_t seed = 1;  // order of threads, blocks and streams; 0: in order
    Copies copies = Copies::late;
    int resident = 1;     // blocks that run interleaved; more of them cost only memory
    size_t memory = 0;    // MiB of device memory; 0: the memory of this machine
    int capability = 80;  // compute capability of the emulated GPU, by which ops choose their kernels: 90 for 9.0
};

// Sets the settings of later launches. Error: resident below 1 or above 1024.
void use(const Settings& settings);

// The current settings. A program starts with those of the environment, for example
//   GRADUS_SIMT="seed=3 copies=early resident=2 memory=512 capability=90"
// (each may be omitted). Error: an unknown or invalid word, which is quoted.
const Settings& settings();

Settings parse_settings(const std::string& text);

}  // namespace gradus::simt
