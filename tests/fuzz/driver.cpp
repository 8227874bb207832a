// main() of a fuzz target in an ordinary build: it replays every seed, then a fixed number of mutations of them, the same in
// every run. With libFuzzer (preset "fuzz") the fuzzer brings its own main() and this file is left out.
//
//   fuzz_NAME SEEDS [MUTATIONS]
//
// A finding is a crash, an exception that leaves the target, or its abort(); the input is then the file fuzz-finding of the
// working folder.
#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using Bytes = std::vector<uint8_t>;

Bytes current;  // the input that is running

// The process ends here, so the little that a handler may not call does no harm.
void write_finding(int signal) {
    if (FILE* file = std::fopen("fuzz-finding", "wb")) {
        std::fwrite(current.data(), 1, current.size(), file);
        std::fclose(file);
    }
    std::fprintf(stderr, "error: signal %d on an input of %zu bytes, written to fuzz-finding\n", signal,
                 current.size());
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

void run(Bytes input) {
    current = std::move(input);
    LLVMFuzzerTestOneInput(current.data(), current.size());
}

std::vector<Bytes> read_seeds(const char* folder) {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    std::vector<Bytes> seeds;
    for (const auto& path : paths) {
        std::ifstream file(path, std::ios::binary);
        seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    return seeds;
}

// One to four edits: of a bit, of a byte to a value at an edge, a range cut out, doubled, or taken from another seed.
Bytes mutate(Bytes input, const std::vector<Bytes>& seeds, std::mt19937_64& random) {
    const auto below = [&](size_t n) { return n == 0 ? size_t(0) : size_t(random() % n); };
    static constexpr uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff, '"', '\\', '<', '>', '{', '[', '\n', '9', '-'};
    for (size_t edits = 1 + below(4); edits > 0; --edits) {
        const size_t at = below(input.size()), length = std::min(input.size() - at, 1 + below(1 + below(64)));
        switch (below(6)) {
            case 0:
                if (!input.empty()) input[at] ^= uint8_t(1u << below(8));
                break;
            case 1:
                if (!input.empty()) input[at] = edges[below(std::size(edges))];
                break;
            case 2: input.erase(input.begin() + long(at), input.begin() + long(at + length)); break;
            case 3: {
                const Bytes range(input.begin() + long(at), input.begin() + long(at + length));
                input.insert(input.begin() + long(at), range.begin(), range.end());
                break;
            }
            case 4: {
                const Bytes& other = seeds[below(seeds.size())];
                const size_t from = below(other.size()), count = std::min(other.size() - from, 1 + below(256));
                input.insert(input.begin() + long(at), other.begin() + long(from), other.begin() + long(from + count));
                break;
            }
            default: input.resize(at); break;
        }
    }
    return input;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return std::fputs("usage: fuzz_NAME SEEDS [MUTATIONS]\n", stderr), 2;
    for (int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, write_finding);
    const std::vector<Bytes> seeds = read_seeds(argv[1]);
    if (seeds.empty()) return std::fprintf(stderr, "error: no seed in %s\n", argv[1]), 1;
    const long mutations = argc > 2 ? std::atol(argv[2]) : 2000;
    for (const Bytes& seed : seeds) run(seed);
    std::mt19937_64 random(1);
    for (long i = 0; i < mutations; ++i) run(mutate(seeds[random() % seeds.size()], seeds, random));
    std::printf("%zu seeds and %ld mutations without a finding\n", seeds.size(), mutations);
}
