#include "tools/bench/tokenizer.h"

#include <time.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data/readers.h"
#include "engine/base/error.h"
#include "engine/base/fnv.h"
#include "engine/base/plural.h"
#include "tokenizer/tokenizer.h"
#include "tools/cli.h"

namespace gradus {

namespace {

struct TokenizerBenchCommand {
    std::string tokenizer, input, text_key = ReadOptions{}.text_key;
    int repeat = 5;
    bool json = false;
};

// CPU time, so that other programs on the machine do not count.
double cpu_seconds() {
    timespec now{};
    CHECK(::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0);
    return double(now.tv_sec) + double(now.tv_nsec) * 1e-9;
}

// FNV-1a, 64 bits, over the ids as little-endian 32-bit numbers.
std::string digest_of(const std::vector<int32_t>& ids) {
    uint64_t digest = fnv_start;
    for (const int32_t id : ids) digest = fnv1a(digest, uint32_t(id), sizeof id);
    return fmt::format("{:016x}", digest);
}

void bench_tokenizer(const TokenizerBenchCommand& o) {
    const Tokenizer tokenizer = Tokenizer::load(o.tokenizer);
    const std::vector<Document> documents = read_documents({o.input}, o.text_key);
    size_t bytes = 0;
    for (const Document& document : documents) bytes += document.text.size();
    std::vector<int32_t> ids;
    double best = 0;
    for (int round = 0; round < o.repeat; ++round) {
        std::vector<int32_t> again;  // a new vector each time, so that allocation is included
        const double start = cpu_seconds();
        for (const Document& document : documents) tokenizer.encode_append(document.text, again);
        const double seconds = cpu_seconds() - start;
        best = round == 0 ? seconds : std::min(best, seconds);
        ids.swap(again);
    }
    if (o.json) {
        const nlohmann::ordered_json line = {
            {"seconds", best}, {"tokens", ids.size()}, {"bytes", bytes}, {"ids_fnv1a", digest_of(ids)}};
        fmt::print("{}\n", line.dump());
        return;
    }
    fmt::print("{}: {} bytes, {} of {}\n", o.input, text_of_whole(int64_t(bytes)),
               number_of(int64_t(ids.size()), "token"), o.tokenizer);
    fmt::print("time         {:>12}      CPU time of one thread, the best of {}\n",
               fmt::format("{:.3f} ms", best * 1e3), number_of(o.repeat, "run"));
    fmt::print("speed        {:>12}      {} tokens/s\n", fmt::format("{:.1f} MB/s", double(bytes) / best / 1e6),
               text_of_count(double(ids.size()) / best));
    if (!ids.empty()) fmt::print("compression  {:>12.2f}      bytes per token\n", double(bytes) / double(ids.size()));
}

}  // namespace

void add_bench_tokenizer(CLI::App& bench) {
    auto o = std::make_shared<TokenizerBenchCommand>();
    CLI::App* command =
        bench.add_subcommand("tokenizer",
                             "Times the encoding of a file on one thread.\n\n"
                             "Example: gradus bench tokenizer --tokenizer data/clean --input book.txt --repeat 5");
    command->add_option("--tokenizer", o->tokenizer, "tokenizer.json, or a folder that has one")->required();
    command->add_option("--input", o->input, "text, read as `data prepare` reads it")->required();
    add_text_key_option(*command, o->text_key);
    command->add_option("--repeat", o->repeat, "number of times to encode it; the minimum counts")
        ->transform(whole_between(1, 1000000))
        ->capture_default_str();
    command->add_flag("--json", o->json, "a JSON object instead of text; the keys are in docs/commands.md");
    command->callback([o] { bench_tokenizer(*o); });
}

}  // namespace gradus
