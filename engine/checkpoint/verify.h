#pragma once
// A checkpoint's files against the checksums in its manifest. Threads and ranks share the blocks of all files, so that
// every byte is read once; a file of a checkpoint without checksums of blocks (older ones) is one block.
//
// Files are read, not mapped: what a disk cannot read any more is damage as well, and not the end of the process.
#include "engine/checkpoint/manifest.h"
#include "engine/comm.h"

namespace gradus {

// What of a checkpoint is verified besides its manifest and the sizes of its files:
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

// The first damaged file of those that are verified. Every rank of `all` calls and has the same answer.
Damage find_damage(const fs::path& folder, const Manifest&, VerifyLevel, const Comm& all = {});

// The same as an Error that names the file.
void verify_files(const fs::path& folder, const Manifest&, const Comm& all = {});

}  // namespace gradus
