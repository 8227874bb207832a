// Checksums of a checkpoint's files: which files, which bytes, and errors about damage.
#include <catch2/catch.hpp>

#include <random>

#include "engine/base/progress.h"
#include "engine/checkpoint/optimizer_state.h"
#include "engine/checkpoint/verify.h"
#include "tests/engine/checkpoint_testing.h"

using namespace gradus;
using namespace gradus::testing;

namespace {

std::vector<std::string> files_below(const fs::path& folder) {
    std::vector<std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
        if (!entry.is_directory()) all.push_back(entry.path().lexically_relative(folder).string());
    std::sort(all.begin(), all.end());
    return all;
}

void overwrite(const fs::path& path, const std::string& content) { write_file_atomically(path, content); }

const SaveOptions with_tokenizer = {.tokenizer_json = "{\"version\": \"1.0\"}", .end_of_text = "<|end|>"};
SaveOptions in_shards() {
    SaveOptions o = with_tokenizer;
    o.shard_limit = 1500;
    return o;
}

// A file of random bytes in blocks of that size, and a manifest with only this file.
Manifest file_in_blocks(const fs::path& folder, uint64_t bytes, uint64_t block) {
    std::mt19937 random(1);
    std::string content(bytes, '\0');
    for (char& c : content) c = char(random());
    fs::create_directories(folder / "gradus");
    ChecksummedFile file(folder, "file", block);
    for (size_t at = 0; at < content.size(); at += 700)
        file.write(std::string_view(content).substr(at, 700));  // pieces that do not end at block boundaries
    Manifest m;
    m.files = {file.commit()};
    return m;
}

}  // namespace

TEST_CASE("a manifest lists exactly the files in the checkpoint's folder") {
    for (DType dtype : {DType::f32, DType::bf16})
        for (const SaveOptions& options : {SaveOptions{}, with_tokenizer, in_shards()}) {
            const TemporaryFolder run;
            Trained t(tiny_gpt2(), dtype);
            t.fill(1);
            const fs::path folder = save_checkpoint(run.path(), *t.model, t.optimizer, {.step = 1}, options);
            std::vector<std::string> named = {manifest_name};
            for (const StoredFile& f : read_manifest(folder).files) named.push_back(f.name);
            std::sort(named.begin(), named.end());
            REQUIRE(files_below(folder) == named);
        }
}

TEST_CASE("one flipped bit in any file of a checkpoint is found, and the Error names the file") {
    const TemporaryFolder run;
    Trained t(tiny_gpt2(), DType::bf16), loaded(tiny_gpt2(), DType::bf16);
    t.fill(1);
    const fs::path folder = save_checkpoint(run.path(), *t.model, t.optimizer, {.step = 1}, in_shards());
    std::mt19937 random(2);
    for (const std::string& name : files_below(folder)) {
        const std::string good = read_file(folder / name);
        for (int round = 0; round < 20; ++round) {
            std::string damaged = good;
            const size_t at = round == 0 ? 0 : round == 1 ? good.size() - 1 : random() % good.size();
            damaged[at] = char(damaged[at] ^ (1 << random() % 8));
            overwrite(folder / name, damaged);
            INFO(name << ", byte " << at);
            REQUIRE(says(refusal([&] { load_checkpoint(folder, *loaded.model, loaded.optimizer); }), name));
        }
        overwrite(folder / name, good);
    }
    REQUIRE(refusal([&] { load_checkpoint(folder, *loaded.model, loaded.optimizer); }) == "");
}

TEST_CASE("each block of a file has a checksum, and a flipped bit in any of them is found") {
    for (uint64_t bytes : {4096u, 5000u, 8192u}) {
        const TemporaryFolder folder;
        const Manifest m = file_in_blocks(folder.path(), bytes, 1024);
        REQUIRE(m.files[0].bytes == bytes);
        REQUIRE(m.files[0].block == 1024);
        REQUIRE(m.files[0].blocks.size() == (bytes + 1023) / 1024);
        const std::string good = read_file(folder / "file");
        REQUIRE(m.files[0].checksum == checksum_of(good));
        for (size_t b = 0; b < m.files[0].blocks.size(); ++b)
            REQUIRE(m.files[0].blocks[b] == checksum_of(std::string_view(good).substr(b * 1024, 1024)));
        const uint64_t before = progress_so_far();
        REQUIRE_FALSE(find_damage(folder.path(), m, VerifyLevel::all));
        REQUIRE(progress_so_far() - before == bytes);  // each byte is read once
        for (size_t at : {size_t(0), size_t(1023), size_t(1024), good.size() / 2, good.size() - 1}) {
            std::string damaged = good;
            damaged[at] = char(damaged[at] ^ 16);
            overwrite(folder / "file", damaged);
            INFO(bytes << " bytes, byte " << at);
            const Damage damage = find_damage(folder.path(), m, VerifyLevel::all);
            REQUIRE(damage.file == "file");
            REQUIRE(says(damage.cause, "its checksum does not match"));
        }
        overwrite(folder / "file", good + "x");
        REQUIRE(says(find_damage(folder.path(), m, VerifyLevel::all).cause, "bytes instead of"));
        fs::remove(folder / "file");
        REQUIRE(says(find_damage(folder.path(), m, VerifyLevel::all).cause, "cannot be read"));
    }
}

TEST_CASE("blocks are read from a manifest; a file of one block lists none; older manifests have none") {
    const TemporaryFolder folder;
    Manifest m = file_in_blocks(folder.path(), 5000, 1024);
    m.dtype = "f32";
    write_manifest(folder.path(), m);
    REQUIRE(read_manifest(folder.path()).files[0].block == 1024);
    REQUIRE(read_manifest(folder.path()).files[0].blocks == m.files[0].blocks);
    REQUIRE(what_is_missing(folder.path()) == "");

    const Manifest one = file_in_blocks(folder.path(), 1024, 1024);
    REQUIRE(one.files[0].blocks.empty());
    REQUIRE(one.files[0].block == 0);
    m.files = one.files;
    write_manifest(folder.path(), m);
    REQUIRE_FALSE(says(read_file(folder / manifest_name), "block"));
    REQUIRE_FALSE(find_damage(folder.path(), read_manifest(folder.path()), VerifyLevel::all));
}

TEST_CASE("inconsistent blocks are refused, even if the manifest's checksum is right") {
    const TemporaryFolder folder;
    Manifest m = file_in_blocks(folder.path(), 5000, 1024);
    auto refused = [&](uint64_t block, size_t count) {
        StoredFile f = m.files[0];
        f.block = block;
        f.blocks.resize(count);
        Manifest lying = m;
        lying.files = {f};
        write_manifest(folder.path(), lying);
        return says(refusal([&] { read_manifest(folder.path()); }), "the checksums of the blocks of 'file'");
    };
    REQUIRE(refused(1024, 4));
    REQUIRE(refused(1024, 6));
    REQUIRE(refused(0, 5));
    REQUIRE(refused(uint64_t(1) << 63, 5));
    REQUIRE_FALSE(refused(1024, 5));
}

TEST_CASE("VerifyLevel::model covers all files outside gradus/, VerifyLevel::config only config.json") {
    const TemporaryFolder run;
    Trained t(tiny_gpt2(), DType::f32);
    for (int64_t step : {1, 2}) save_checkpoint(run.path(), *t.model, t.optimizer, {.step = step}, with_tokenizer);
    const fs::path newest = run / "checkpoints" / "step-00000002", before = run / "checkpoints" / "step-00000001";
    struct Case {
        const char* file;
        VerifyLevel level;
        bool found;
    };
    for (const Case& c : {Case{optimizer_name, VerifyLevel::all, true},
                          {optimizer_name, VerifyLevel::model, false},
                          {"model.safetensors", VerifyLevel::model, true},
                          {"model.safetensors", VerifyLevel::config, false},
                          {"tokenizer.json", VerifyLevel::model, true},
                          {"config.json", VerifyLevel::config, true},
                          {"config.json", VerifyLevel::sizes, false}}) {
        const std::string good = read_file(newest / c.file);
        std::string damaged = good;
        damaged[good.size() / 2] = char(damaged[good.size() / 2] ^ 1);
        overwrite(newest / c.file, damaged);
        INFO(c.file);
        const LatestCheckpoint latest = latest_checkpoint(run.path(), c.level);
        REQUIRE(latest.folder == (c.found ? before : newest));
        REQUIRE(latest.notes.size() == (c.found ? 1 : 0));
        const std::string text = refusal([&] { lock_model(newest, c.level); });
        REQUIRE(says(text, "has changed since it was saved") == c.found);
        REQUIRE(says(text, (newest / c.file).string()) == c.found);
        overwrite(newest / c.file, good);
    }
    REQUIRE(lock_model(run / "checkpoints" / "latest", VerifyLevel::all).path == newest);
}

TEST_CASE("latest_checkpoint() of some steps is the newest complete one among them") {
    const TemporaryFolder run;
    Trained t(tiny_gpt2(), DType::f32);
    for (int64_t step : {10, 20, 30, 40}) save_checkpoint(run.path(), *t.model, t.optimizer, {.step = step});
    using Steps = std::vector<int64_t>;
    const auto newest_of = [&](const Steps& steps) {
        return latest_checkpoint(run.path(), VerifyLevel::all, {}, steps);
    };
    REQUIRE(newest_of({10, 20, 25}).folder == run / "checkpoints" / "step-00000020");
    REQUIRE(newest_of({10, 30}).folder == run / "checkpoints" / "step-00000030");
    REQUIRE_FALSE(newest_of({5, 25}).folder);
    REQUIRE_FALSE(newest_of({}).folder);
    REQUIRE(latest_checkpoint(run.path(), VerifyLevel::all).folder == run / "checkpoints" / "step-00000040");
    overwrite(run / "checkpoints" / "step-00000030" / "model.safetensors", "");
    REQUIRE(newest_of({10, 30}).folder == run / "checkpoints" / "step-00000010");
    REQUIRE(newest_of({10, 30}).notes.size() == 1);
}
