#pragma once
// Verifies a checkpoint's files against the checksums in its manifest. Threads and ranks share the blocks of all files,
// so every byte is read once; a file without checksums of blocks (in older checkpoints) is one block.
//
// Files are read, not mapped: a read error of the disk is then reported as damage instead of killing the process.
#include "engine/checkpoint/manifest.h"
#include "engine/comm.h"

namespace gradus {

// What is verified besides the manifest and the sizes of the files:
//
//   sizes     nothing
//   config    the checksum of config.json
//   model     the checksums of all files outside gradus/
//   all       the checksums of all files
enum class VerifyLevel { sizes, config, model, all };

struct Damage {
    std::string file, cause;  // empty: none

    explicit operator bool() const { return !file.empty(); }
};

// The first damaged file among the verified ones. Every rank of `all` calls it and gets the same result.
Damage find_damage(const fs::path& folder, const Manifest&, VerifyLevel, const Comm& all = {});

// Throws an Error that names the damaged file.
void verify_files(const fs::path& folder, const Manifest&, const Comm& all = {});

}  // namespace gradus
