#pragma once
// A temporary folder for a test, removed when the test ends.
#include <stdlib.h>

#include <string>

#include "engine/base/error.h"
#include "engine/base/file.h"

namespace gradus {

class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string name = (fs::temp_directory_path() / "gradus-test-").string() + std::string(6, 'X');
        CHECK(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    operator const fs::path&() const { return path_; }
    fs::path operator/(const std::string& name) const { return path_ / name; }

    fs::path write(const std::string& name, std::string_view content) const {
        fs::create_directories((path_ / name).parent_path());
        write_file_atomically(path_ / name, content);
        return path_ / name;
    }

private:
    fs::path path_;
};

// The Error that `run` throws; the test fails if it throws none.
template <class Run>
Error error_of(Run run) {
    try {
        run();
    } catch (const Error& error) { return error; }
    throw InternalError("no Error was thrown");
}

}  // namespace gradus
