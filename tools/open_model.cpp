#include "tools/open_model.h"

#include <cstdio>

#include <fmt/format.h>

#include "engine/checkpoint/weights.h"
#include "tools/cli.h"

namespace gradus {

ModelFolder open_model_folder(const std::string& run_or_folder) {
    const fs::path folder = model_folder(run_or_folder);
    ModelFolder m{folder, read_model_config(folder), Tokenizer::load(folder)};
    if (m.tokenizer.vocab_size() > m.config.V)
        throw Error(fmt::format("the tokenizer in '{}' does not belong to the model there", folder.string()),
                    fmt::format("it has {} tokens and the model knows {}", m.tokenizer.vocab_size(), m.config.V),
                    "put the tokenizer.json that the model was trained with into that folder");
    return m;
}

std::unique_ptr<Model> load_model(const ModelFolder& m, const Ops& ops, DType dtype, const Purpose& purpose) {
    auto model = make_model(ops, m.config, dtype, purpose);
    const std::vector<std::string> unused = load_weights(*model, m.folder);
    if (!unused.empty())
        fmt::print(stderr, "note: {} tensors of '{}' are not part of this model, such as {}\n", unused.size(),
                   m.folder.string(), unused.front());
    return model;
}

std::vector<int32_t> bytes_of_ids(const ModelFolder& m) {
    std::vector<int32_t> bytes(size_t(m.config.V), 0);
    for (int32_t id = 0; id < m.tokenizer.vocab_size(); ++id)
        bytes[size_t(id)] = int32_t(m.tokenizer.bytes_of(id).size());
    return bytes;
}

}  // namespace gradus
