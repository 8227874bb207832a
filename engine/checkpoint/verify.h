#pragma once
// A checkpoint's files against the checksums in its manifest. Threads and ranks share the blocks of all files, so that
// every byte is read once; a file of a checkpoint without checksums of blocks (older ones) is one block.
//
// Files are read, not mapped: what a disk cannot read any more is damage as well, and not the end of the process.
#include "engine/checkpoint/manifest.h"
#include "engine/comm.h"

namespace gradus {

// How thoroughly a checkpoint is judged: by its manifest and the sizes of its files; or by the checksums as well of its
// config.json, of the model (all but what lies in gradus/), of every file.
enum class Judge { sizes, config, model, checksums };

struct Damage {
    std::string file, cause;  // empty: none

    explicit operator bool() const { return !file.empty(); }
};

// The first damaged file of those that are judged. Every rank of `all` calls and has the same answer.
Damage find_damage(const fs::path& folder, const Manifest&, Judge, const Comm& all = {});

// The same as an Error that names the file.
void verify_files(const fs::path& folder, const Manifest&, const Comm& all = {});

}  // namespace gradus
