#include "engine/convert/llmc_file.h"

#include <array>
#include <cstring>

#include "engine/base/error.h"
#include "engine/convert/model_parts.h"

namespace gradus {

namespace {

constexpr int32_t magic = 20240326;
constexpr int32_t unpadded_f32 = 1, padded_f32 = 3, padded_bf16 = 5;  // versions
constexpr size_t header_numbers = 256;
constexpr int vocabulary_multiple = 128;
// Indices into the header.
enum Place : size_t { at_magic, at_version, at_context, at_vocabulary, at_layers, at_heads, at_width, at_padded };

using Header = std::array<int32_t, header_numbers>;

// The tensors in the order of the file; those that begin with a dot exist in each layer.
constexpr std::array<const char*, 16> order = {"wte",
                                               "wpe",
                                               ".norm1.gain",
                                               ".norm1.bias",
                                               ".attention.qkv_w",
                                               ".attention.qkv_b",
                                               ".attention.out_w",
                                               ".attention.out_b",
                                               ".norm2.gain",
                                               ".norm2.bias",
                                               ".feed_forward.up_w",
                                               ".feed_forward.up_b",
                                               ".feed_forward.down_w",
                                               ".feed_forward.down_b",
                                               "norm.gain",
                                               "norm.bias"};

std::vector<std::string> names_in_order(int layers) {
    std::vector<std::string> all;
    for (const char* tensor : order) {
        const std::string name = tensor;
        if (name[0] != '.') all.push_back(name);
        else
            for (int l = 0; l < layers; ++l) all.push_back("block." + std::to_string(l) + name);
    }
    return all;
}

struct LlmcRefusal {
    std::string file;

    [[noreturn]] void operator()(const std::string& cause) const {
        throw Error("'" + file + "' is not a checkpoint of llm.c that can be read here", cause,
                    "copy the file again, or write it again with llm.c's train_gpt2.py");
    }
};

Header read_header(const MappedFile& file, const LlmcRefusal& refuse) {
    Header header;
    if (file.size() < sizeof header)
        refuse("it has " + std::to_string(file.size()) + " bytes, fewer than its header of " +
               std::to_string(sizeof header));
    std::memcpy(header.data(), file.data(), sizeof header);
    if (header[at_magic] != magic) refuse("it begins with " + std::to_string(header[at_magic]) + ", not 20240326");
    const int32_t version = header[at_version];
    if (version != unpadded_f32 && version != padded_f32 && version != padded_bf16)
        refuse("it has the version " + std::to_string(version) + "; supported are 1, 3 and 5");
    return header;
}

ModelConfig config_of(const Header& header, const std::string& file) {
    ModelConfig m;
    m.context = header[at_context];
    m.V = header[at_vocabulary];
    m.L = header[at_layers];
    m.H = m.G = header[at_heads];
    m.C = header[at_width];
    m.D = m.H > 0 ? m.C / m.H : 0;
    m.F = m.C > 0 && m.C < (1 << 20) ? 4 * m.C : 0;  // 0: refused, as m.C is
    m.end_of_text = gpt2_end_of_text(m.V);
    validate_foreign(m, file);
    return m;
}

int64_t padded(int64_t vocabulary) {
    return (vocabulary + vocabulary_multiple - 1) / vocabulary_multiple * vocabulary_multiple;
}

}  // namespace

bool begins_as_llmc(std::string_view bytes) {
    int32_t first = 0;
    if (bytes.size() < sizeof first) return false;
    std::memcpy(&first, bytes.data(), sizeof first);
    return first == magic;
}

ForeignModel read_llmc(const Ops& ops, const fs::path& path, std::optional<DType> dtype) {
    const MappedFile file(path);
    const LlmcRefusal refuse{path.string()};
    const Header header = read_header(file, refuse);
    const ModelConfig m = config_of(header, path.string());
    const int64_t rows = header[at_version] == unpadded_f32 ? m.V : header[at_padded];
    if (rows < m.V || rows > 1 << 25)
        refuse("its vocabulary of " + std::to_string(m.V) + " is padded to " + std::to_string(rows));
    const DType stored = header[at_version] == padded_bf16 ? DType::bf16 : DType::f32;

    std::map<std::string, DeclaredWeight> weights;
    for (const DeclaredWeight& w : declared_weights(m)) weights.emplace(w.name, w);
    std::map<std::string, uint64_t> begins;
    uint64_t at = sizeof header;  // sizes that validate() allows give less than 2^60 bytes
    for (const std::string& name : names_in_order(m.L)) {
        const DeclaredWeight& w = weights.at(name);
        begins[name] = at;
        at += size_of(stored) * uint64_t((name == "wte" ? rows : w.rows()) * w.columns());
    }
    if (at != file.size())
        refuse("by its header it must have " + std::to_string(at) + " bytes, and it has " +
               std::to_string(file.size()));
    StoredWeights places;
    for (const auto& [name, w] : weights)
        places[name] = {file.data() + begins.at(name), element_of(stored), w.columns(), 1};
    return {model_of(ops, m, dtype.value_or(stored), places), {}};
}

void write_llmc(const LanguageModel& model, const fs::path& path) {
    const ModelConfig& m = model.config();
    require_plain_gpt2(m, "llm.c");
    Header header = {};
    header[at_magic] = magic;
    header[at_version] = model.run.dtype == DType::bf16 ? padded_bf16 : padded_f32;
    header[at_context] = m.context;
    header[at_vocabulary] = m.V;
    header[at_layers] = m.L;
    header[at_heads] = m.H;
    header[at_width] = m.C;
    header[at_padded] = int32_t(padded(m.V));

    AtomicFile file(path);
    file.write(header.data(), sizeof header);
    const std::string empty_row(size_t(m.C) * size_of(model.run.dtype), '\0');
    const auto weights = weights_by_name(model);
    for (const std::string& name : names_in_order(m.L)) {
        stream_out(model.run, weights.at(name)->value,
                   [&](const void* data, size_t bytes) { file.write(data, bytes); });
        if (name == "wte")
            for (int64_t row = m.V; row < padded(m.V); ++row) file.write(empty_row);
    }
    file.commit();
}

}  // namespace gradus
