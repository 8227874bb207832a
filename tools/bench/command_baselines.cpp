// gradus baselines DIR: non-neural compression baselines on the validation text of a prepared folder, in bits per byte:
// xz -9 alone, xz -9 after the training text, and a byte-level n-gram model of the training text.
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <future>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data/prepare.h"
#include "data/prepared_folder.h"
#include "data/readers.h"
#include "engine/base/write_error.h"
#include "tools/bench/byte_ngram.h"
#include "tools/cli.h"

namespace gradus {

namespace {

struct Baseline {
    std::string name;
    double bits_per_byte;
};

// Compresses a text with xz -9, which reads it from a pipe and writes to an unnamed file, so that nothing is left on
// the disk whatever happens.
class Xz {
public:
    Xz() {
        int pipe[2];
        if (!packed_ || ::pipe2(pipe, O_CLOEXEC) != 0) {
            const int problem = errno;
            throw Error("cannot send the text to xz", reason_of(problem, "/tmp/xz"),
                        advice_on_writing(problem, "/tmp/xz"));
        }
        std::signal(SIGPIPE, SIG_IGN);  // if xz ends early, its exit status says so
        posix_spawn_file_actions_t files;
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_adddup2(&files, pipe[0], STDIN_FILENO);
        posix_spawn_file_actions_adddup2(&files, ::fileno(packed_.get()), STDOUT_FILENO);
        char name[] = "xz", level[] = "-9", threads[] = "-T1", to_stdout[] = "-c";
        char* const arguments[] = {name, level, threads, to_stdout, nullptr};
        const int problem = ::posix_spawnp(&process_, name, &files, nullptr, arguments, environ);
        posix_spawn_file_actions_destroy(&files);
        ::close(pipe[0]);
        text_ = pipe[1];
        if (problem != 0) {
            ::close(text_);
            throw failed(fmt::format("it cannot be started: {}", std::strerror(problem)),
                         problem == EAGAIN ? "raise the limit on your processes: ulimit -u 4096" : how_to_have_it);
        }
    }
    Xz(const Xz&) = delete;
    Xz& operator=(const Xz&) = delete;
    ~Xz() {
        if (text_ < 0) return;
        ::kill(process_, SIGTERM);
        wait();
    }

    void add(std::string_view text) {
        while (!text.empty()) {
            const ssize_t n = ::write(text_, text.data(), text.size());
            if (n < 0 && errno != EINTR) return;
            if (n > 0) text.remove_prefix(size_t(n));
        }
    }

    // The compressed size of all that was added, in bytes.
    int64_t size() {
        const int status = wait();
        if (WIFSIGNALED(status)) throw failed(fmt::format("signal {} ended it", WTERMSIG(status)));
        if (WEXITSTATUS(status) != 0) throw failed(fmt::format("it ended with status {}", WEXITSTATUS(status)));
        struct stat info {};
        CHECK(::fstat(::fileno(packed_.get()), &info) == 0);
        return info.st_size;
    }

private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    std::unique_ptr<std::FILE, Close> packed_{std::tmpfile()};
    int text_ = -1;  // the pipe that xz reads
    pid_t process_ = 0;

    int wait() {
        ::close(text_);
        text_ = -1;
        int status = 0;
        while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {}
        return status;
    }

    static constexpr const char* how_to_have_it = "apt-get install xz-utils, and leave it 2 GB of memory";
    static Error failed(const std::string& why, const std::string& fix = how_to_have_it) {
        return Error("xz -9 did not compress the text", why, fix + "; then run the same command again");
    }
};

void require_prepared(const fs::path& folder) {
    std::error_code ignored;
    const std::string prepare = "gradus data prepare TEXTS --out " + folder.string();
    if (!is_prepared(folder))
        throw Error("'" + folder.string() + "' is not a prepared folder",
                    fs::is_directory(folder, ignored) ? "it lacks report.json or train.jsonl.zst" : "no such folder",
                    prepare);
    if (!fs::exists(documents_of(folder, "val"), ignored))
        throw Error("'" + folder.string() + "' has no validation text", "it has no val.jsonl.zst",
                    fmt::format("{} --val-fraction {}", prepare, PrepareOptions{}.val_fraction));
}

template <class Each>
void for_each_text(const fs::path& file, const Each& each) {
    DocumentReader reader({file});
    for (Document document; reader.next(document);) each(document.text);
}

int64_t xz_size(const std::vector<fs::path>& files) {
    Xz xz;
    for (const fs::path& file : files)
        for_each_text(file, [&](const std::string& text) {
            xz.add(text);
            xz.add("\n");
        });
    return xz.size();
}

std::vector<Baseline> measure_baselines(const fs::path& folder) {
    require_prepared(folder);
    const fs::path train = documents_of(folder, "train"), val = documents_of(folder, "val");
    double bytes = 0, ngram_bits = 0;
    for_each_text(val, [&](const std::string& text) { bytes += double(text.size()); });
    if (bytes == 0)
        throw Error("'" + folder.string() + "' has no validation text", "its val.jsonl.zst has no document",
                    "gradus data prepare TEXTS --out " + folder.string() + " --val-fraction 0.1");

    using Files = std::vector<fs::path>;
    std::future<int64_t> of_train = std::async(std::launch::async, xz_size, Files{train});
    std::future<int64_t> of_both = std::async(std::launch::async, xz_size, Files{train, val});
    std::future<int64_t> of_val = std::async(std::launch::async, xz_size, Files{val});
    ByteNgram ngram;
    for_each_text(train, [&](const std::string& text) { ngram.learn(text); });
    for_each_text(val, [&](const std::string& text) { ngram_bits += ngram.bits(text); });
    return {{"xz -9 alone", 8.0 * double(of_val.get()) / bytes},
            {"xz -9 after the training text", 8.0 * double(of_both.get() - of_train.get()) / bytes},
            {"byte 6-gram (Witten-Bell)", ngram_bits / bytes}};
}

void print(const std::vector<Baseline>& baselines) {
    for (const Baseline& b : baselines) fmt::print("{:<32} {:.4f} bits per byte\n", b.name, b.bits_per_byte);
}

// A list with one object per line, so that line-based programs can read it.
std::string json_of(const std::vector<Baseline>& baselines) {
    std::string list;
    for (const Baseline& b : baselines) {
        const nlohmann::ordered_json one = {{"name", b.name}, {"bits_per_byte", b.bits_per_byte}};
        list += (list.empty() ? "  " : ",\n  ") + one.dump();
    }
    return "[\n" + list + "\n]\n";
}

}  // namespace

void add_baselines_command(CLI::App& app) {
    struct Options {
        std::string folder, out;
    };
    auto o = std::make_shared<Options>();
    CLI::App* command =
        app.add_subcommand("baselines",
                           "Computes non-neural compression baselines on the validation text of a prepared folder, "
                           "in bits per byte: xz -9\n"
                           "alone, xz -9 after the training text, and a byte-level n-gram model. Needs the program "
                           "xz.\n\n"
                           "Example: gradus baselines runs/quickstart/data --out runs/quickstart/extra.json");
    command->add_option("DIR", o->folder, "a folder written by `gradus data prepare`")->required();
    command->add_option("--out", o->out, "also write them as JSON, a list of {name, bits_per_byte}");
    command->callback([o] {
        const std::vector<Baseline> baselines = measure_baselines(o->folder);
        if (!o->out.empty()) write_file_atomically(o->out, json_of(baselines));
        print(baselines);
    });
}

}  // namespace gradus
