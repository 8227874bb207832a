#pragma once
// What the emulator is free to choose, as a GPU is: the order of things. A correct program gives the same result for all.
#include <cstdint>
#include <string>

namespace gradus::simt {

// When asynchronous work is done. On a GPU it is done some time between these two.
//   early  at once: a launch or a copy runs inside the call that queues it; cp.async has copied when it returns. Finds a
//          buffer that is overwritten while something still reads it.
//   late   as late as the model allows: queued work runs in synchronise(), cp.async copies in its wait, a bulk copy
//          when no thread can go on without it. Finds a wait that is missing or too weak.
enum class Copies { early, late };

struct Settings {
    uint64_t seed = 1;             // order of threads, blocks and streams; 0: in order, first come first served
    Copies copies = Copies::late;  //
    int resident = 1;              // blocks that run interleaved, as on one GPU; more costs only memory
    size_t memory = 0;             // MiB of the device; 0: those of this machine
};

// For what is launched from now on. Error: resident below 1 or above 1024.
void use(const Settings& settings);

// Those in use. At the start of a program they come from the environment, for example
//   GRADUS_SIMT="seed=3 copies=early resident=2 memory=512"
// (each word may be left out). Error that quotes the word which is none.
const Settings& settings();

Settings parse_settings(const std::string& text);

}  // namespace gradus::simt
