// A folder's config.json.
#include "engine/checkpoint/json_text.h"
#include "engine/checkpoint/weights.h"
#include "engine/models/family.h"

namespace gradus {

ModelConfig read_model_config(const fs::path& folder) {
    const fs::path path = folder / "config.json";
    const nlohmann::json config =
        parse_json(read_file(path), path.string(), "copy or download the folder again, or mend that place by hand");
    return files_of(family_of(config, path.string())).read_config(config, path.string());
}

}  // namespace gradus
