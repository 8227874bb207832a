// A config.json is a model whose sizes hold together, and the same one when it is written and read again, or an Error.
#include <fstream>

#include <nlohmann/json.hpp>

#include "engine/checkpoint/weights.h"
#include "engine/models/family.h"
#include "tests/fuzz/reading.h"

using namespace gradus;
using namespace gradus::fuzzing;

namespace {

struct Folder {
    fs::path path = fs::temp_directory_path() / ("gradus-fuzz-config-" + std::to_string(::getpid()));

    Folder() { fs::create_directories(path); }
    ~Folder() { fs::remove_all(path); }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const Folder folder;
    for (const char* name : {"config.json", "generation_config.json"})
        std::ofstream(folder.path / name, std::ios::binary) << as_text(data, size);
    try {
        const FolderModel model = describe_model(folder.path);
        const ModelConfig& m = model.config;
        for (const int32_t end : model.ends) require(end >= 0 && end < m.V);
        for (const std::string& note : model.notes) require(note.find('\n') == std::string::npos);
        require(m.end_of_text < m.V && parameter_count(m) > 0);
        const Family& files = family_named(m.family);
        require(differences(files.read_config(files.write_config(m, "float32"), "written"), m).empty());
    } catch (const Error& e) { check(e); }
    return 0;
}
