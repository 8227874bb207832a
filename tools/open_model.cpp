#include "tools/open_model.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/log.h"
#include "engine/checkpoint/weights.h"
#include "tools/cli.h"

namespace gradus {

ModelFolder open_model_folder(const std::string& run_or_folder) {
    bool of_transformers = false;
    ModelFolder m = read_model(run_or_folder, VerifyLevel::model, [&](const LockedFolder& held) {
        FolderModel described = describe_model(held.path);
        Tokenizer tokenizer = Tokenizer::load(held.path);
        for (const std::string& text : described.notes) note(text);
        of_transformers = described.of_transformers;
        return ModelFolder{
            held.path, described.config, std::move(tokenizer), std::move(described.ends), {}, run_or_folder, held};
    });
    const fs::path& folder = m.folder;
    require_language_model(folder);
    if (m.tokenizer.vocab_size() > m.config.V)
        throw Error(fmt::format("the tokenizer in '{}' does not belong to the model there", folder.string()),
                    fmt::format("it has {} tokens, but the model has {}", m.tokenizer.vocab_size(), m.config.V),
                    "put the tokenizer.json that the model was trained with into that folder");
    const std::optional<int32_t> end_of_text = m.tokenizer.end_of_text();
    if (m.ends.empty() && end_of_text) m.ends = {*end_of_text};
    m.opening = m.tokenizer.parts().opening;
    if (m.opening.empty() && end_of_text && !of_transformers) m.opening = {*end_of_text};
    return m;
}

std::unique_ptr<LanguageModel> load_model(const ModelFolder& m, const Ops& ops, DType dtype, BatchShape shape,
                                          bool graphs) {
    auto model = make_language_model(ops, m.config, dtype, shape, {.graphs = graphs});
    std::vector<std::string> unused;
    try {
        unused = load_weights(*model, m.folder);
    } catch (const Error&) {
        if (m.held.still_exists()) throw;
        // On a file system without locks the run may have removed it. The run's checkpoints differ only in their
        // weights.
        unused = read_model(m.named, VerifyLevel::model,
                            [&](const LockedFolder& newest) { return load_weights(*model, newest.path); });
    }
    if (!unused.empty())
        note(fmt::format("{} tensors of '{}' are not part of this model, such as {}", unused.size(), m.folder.string(),
                         unused.front()));
    return model;
}

std::vector<int32_t> bytes_of_ids(const Tokenizer& tokenizer, int vocab) {
    std::vector<int32_t> bytes(size_t(vocab), 0);
    for (int32_t id = 0; id < std::min(vocab, tokenizer.vocab_size()); ++id)
        if (!tokenizer.is_special(id)) bytes[size_t(id)] = int32_t(tokenizer.bytes_of(id).size());
    return bytes;
}

}  // namespace gradus
