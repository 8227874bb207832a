#pragma once
// A temporary folder shared by all ranks of a test.
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/comm.h"

namespace gradus {

// The same path on every rank; rank 0 creates and removes it.
class SharedFolder {
public:
    explicit SharedFolder(const Comm& all) : all_(all) {
        std::string name;
        if (all.rank == 0) {
            std::string pattern = (fs::temp_directory_path() / ("gradus-ranks-" + std::string(6, 'X'))).string();
            CHECK(::mkdtemp(pattern.data()) != nullptr, pattern);
            name = pattern;
        }
        path_ = all.gather(name)[0];
    }
    ~SharedFolder() {
        std::error_code ignored;
        all_.barrier();
        if (all_.rank == 0) fs::remove_all(path_, ignored);
    }
    fs::path operator/(const std::string& name) const { return path_ / name; }

private:
    Comm all_;
    fs::path path_;
};

}  // namespace gradus
