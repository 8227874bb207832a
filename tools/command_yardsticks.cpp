// gradus yardsticks DIR: what the validation text of a prepared folder costs under things that are not language models,
// in bits per byte: xz -9 alone, xz -9 after the training text, and a byte-level n-gram model of the training text.
#include <fmt/core.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "data/readers.h"
#include "engine/base/file.h"
#include "tools/byte_ngram.h"
#include "tools/cli.h"

namespace gradus {

namespace {

struct Yardstick {
    std::string name;
    double bits_per_byte;
};

// The compressed size of the files, one after the other.
int64_t xz_size(const std::vector<fs::path>& files) {
    std::string command = "cat";
    for (const fs::path& f : files) {
        std::string quoted;
        for (char c : f.string()) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
        command += " '" + quoted + "'";
    }
    command += " | xz -9 -T1 -c | wc -c";
    FILE* pipe = ::popen(command.c_str(), "r");
    long long size = 0;
    const bool read = pipe && std::fscanf(pipe, "%lld", &size) == 1;
    const int status = pipe ? ::pclose(pipe) : -1;
    if (!read || status != 0 || size == 0)
        throw Error("xz could not compress the text", "'" + command + "' failed", "apt-get install xz-utils");
    return size;
}

std::vector<Yardstick> measure(const fs::path& folder) {
    const fs::path train = folder / ".yardstick-train.txt", val = folder / ".yardstick-val.txt";
    struct Remove {
        fs::path path;
        ~Remove() {
            std::error_code ignored;
            fs::remove(path, ignored);
        }
    };
    const Remove remove_train{train}, remove_val{val};

    ByteNgram ngram;
    double bytes = 0, ngram_bits = 0;
    auto unpack = [&](const char* part, const fs::path& to, auto&& each) {
        DocumentReader reader({folder / (std::string(part) + ".jsonl.zst")});
        AtomicFile file(to);
        Document document;
        while (reader.next(document)) {
            each(document.text);
            file.write(document.text);
            file.write("\n");
        }
        file.commit();
    };
    unpack("train", train, [&](const std::string& text) { ngram.learn(text); });
    unpack("val", val, [&](const std::string& text) {
        bytes += double(text.size());
        ngram_bits += ngram.bits(text);
    });
    if (bytes == 0)
        throw Error("'" + folder.string() + "' has no validation text", "its val.jsonl.zst holds no document",
                    "prepare it with a larger --val-fraction");

    int64_t of_train = 0, of_both = 0;
    std::exception_ptr failure;
    std::thread beside([&] {
        try {
            of_train = xz_size({train});
        } catch (...) { failure = std::current_exception(); }
    });
    try {
        of_both = xz_size({train, val});
    } catch (...) {
        beside.join();
        throw;
    }
    beside.join();
    if (failure) std::rethrow_exception(failure);
    return {{"xz -9 alone", 8.0 * double(xz_size({val})) / bytes},
            {"xz -9 after the training text", 8.0 * double(of_both - of_train) / bytes},
            {"byte 6-gram (Witten-Bell)", ngram_bits / bytes}};
}

}  // namespace

void add_yardsticks_command(CLI::App& app) {
    auto* command = app.add_subcommand("yardsticks", "what the validation text costs without a language model");
    command->footer("Example:\n  gradus yardsticks runs/quickstart/data --out runs/quickstart/extra.json");
    static std::string folder, out;
    command->add_option("DIR", folder, "a folder that `gradus data prepare` made")->required();
    command->add_option("--out", out, "also write them as JSON: a list of {name, bits_per_byte}");
    command->callback([] {
        const auto yardsticks = measure(folder);
        nlohmann::json list = nlohmann::json::array();
        for (const Yardstick& y : yardsticks) {
            fmt::print("{:<32} {:.4f} bits per byte\n", y.name, y.bits_per_byte);
            list.push_back({{"name", y.name}, {"bits_per_byte", y.bits_per_byte}});
        }
        if (!out.empty()) write_file_atomically(out, list.dump(2) + "\n");
    });
}

}  // namespace gradus
