#include <algorithm>
#include <climits>
#include <cstring>
#include <set>
#include <unordered_map>

#include "engine/base/one_line.h"
#include "engine/checkpoint/safetensors.h"
#include "engine/convert/model_parts.h"
#include "engine/convert/nanogpt.h"
#include "engine/convert/torch_file.h"
#include "engine/models/family.h"

namespace gradus {

namespace {

using Kind = Pickled::Kind;

struct NanogptRefusal {
    std::string file;

    [[noreturn]] void operator()(const std::string& cause) const {
        throw Error("'" + file + "' is not a checkpoint of nanoGPT that can be read here", cause,
                    "give a ckpt.pt that nanoGPT's train.py wrote");
    }
};

const Pickled& dictionary(const Pickled& root, const char* key, const NanogptRefusal& refuse) {
    if (!root.is(Kind::dictionary)) refuse(std::string("it is ") + name_of(root.kind) + ", not a dictionary");
    const Pickled* found = root.find(key);
    if (!found) refuse(std::string("it has no '") + key + "'");
    if (!found->is(Kind::dictionary)) refuse(std::string("its '") + key + "' is " + name_of(found->kind));
    return *found;
}

ModelConfig config_of(const Pickled& arguments, const std::string& file, const NanogptRefusal& refuse) {
    auto integer = [&](const char* key) {
        const Pickled* value = arguments.find(key);
        if (!value) refuse(std::string("its model_args have no '") + key + "'");
        if (!value->is(Kind::integer))
            refuse(std::string("'") + key + "' in its model_args is " + name_of(value->kind));
        if (value->integer < 1 || value->integer > INT_MAX / 4)
            refuse(std::string("'") + key + "' in its model_args is " + std::to_string(value->integer));
        return int(value->integer);
    };
    ModelConfig m;
    m.L = integer("n_layer");
    m.H = m.G = integer("n_head");
    m.C = integer("n_embd");
    m.D = m.C / m.H;
    m.F = 4 * m.C;
    m.V = integer("vocab_size");
    m.context = integer("block_size");
    m.activation = Activation::gelu_erf;
    m.end_of_text = gpt2_end_of_text(m.V);
    validate_foreign(m, file);
    return m;
}

// The tensors of the state dictionary by name, without the prefix of a compiled model.
using State = std::unordered_map<std::string, const Pickled*>;

State state_of(const Pickled& model, const NanogptRefusal& refuse) {
    constexpr std::string_view compiled = "_orig_mod.";
    State all;
    for (const auto& [key, value] : model.entries) {
        if (!key->is(Kind::text)) refuse(std::string("a key of its 'model' is ") + name_of(key->kind));
        std::string_view name = key->text;
        if (name.starts_with(compiled)) name.remove_prefix(compiled.size());
        all[std::string(name)] = value;
    }
    return all;
}

bool same_numbers(const TorchTensor& a, const TorchTensor& b) {
    if (a.dtype != b.dtype || a.shape != b.shape || a.stride != b.stride) return false;
    if (a.data == b.data) return true;
    const size_t bytes = *stored_size(a.dtype);
    for (int64_t r = 0; r < a.shape[0]; ++r)
        for (int64_t c = 0; c < a.shape[1]; ++c) {
            const size_t at = size_t(r * a.stride[0] + c * a.stride[1]) * bytes;
            if (std::memcmp(a.data + at, b.data + at, bytes) != 0) return false;
        }
    return true;
}

class Reader {
public:
    explicit Reader(const fs::path& path)
        : file_(path),
          refuse_{path.string()},
          arguments_(dictionary(file_.root(), "model_args", refuse_)),
          state_(state_of(dictionary(file_.root(), "model", refuse_), refuse_)),
          config_(config_of(arguments_, path.string(), refuse_)) {}

    ForeignModel read(const Ops& ops, std::optional<DType> wanted) {
        config_.tied = head_is_embedding();
        const bool bias = has_bias();
        for (const DeclaredWeight& w : declared_weights(config_)) find(w, bias);
        refuse_the_rest();
        // Tensors that share a storage could need more memory than the file has bytes.
        if (bytes_ > file_.size())
            refuse_("its tensors have " + std::to_string(bytes_) + " bytes, and the file " +
                    std::to_string(file_.size()));
        const DType own = all_bf16_ ? DType::bf16 : DType::f32;
        ForeignModel read = {model_of(ops, config_, wanted.value_or(own), stored_), notes_};
        if (!bias) read.notes.push_back("the model has no biases; they are written as zeros");
        return read;
    }

private:
    bool head_is_embedding() {
        if (!state_.count("lm_head.weight") || !state_.count("transformer.wte.weight")) return true;
        const std::vector<int64_t> shape = {config_.V, config_.C};
        const TorchTensor head = tensor("lm_head.weight", shape);
        return same_numbers(head, tensor("transformer.wte.weight", shape));
    }

    bool has_bias() const {
        const Pickled* said = arguments_.find("bias");
        if (said && said->is(Kind::boolean)) return said->integer != 0;
        return state_.count("transformer.ln_f.bias") > 0;  // older files without the key always have biases
    }

    TorchTensor tensor(const std::string& name, const std::vector<int64_t>& shape) {
        TorchTensor t = file_.tensor(*state_.at(name), name);
        if (t.shape != shape)
            refuse_("tensor '" + name + "' is " + shape_text(t.shape) + ", and by model_args it must be " +
                    shape_text(shape));
        return t;
    }

    void find(const DeclaredWeight& w, bool bias) {
        const std::string plain = family_named("gpt2").external(config_, w.name, w.spec)[0].name;
        const std::string name = w.name == "head" ? plain : "transformer." + plain;
        if (!bias && plain.ends_with(".bias")) return;
        if (!state_.count(name)) refuse_("it has no tensor '" + name + "', which its model_args ask for");
        const TorchTensor t = tensor(name, w.shape());
        const auto element = element_of(t.dtype);
        if (!element) refuse_("tensor '" + name + "' is stored as " + t.dtype + ", not as F32, BF16, F16 or F64");
        all_bf16_ = all_bf16_ && *element == Element::bf16;
        bytes_ += uint64_t(w.spec.shape.size()) * size_of(*element);
        stored_[w.name] = {t.data, *element, t.stride.front(), t.stride.back()};
        used_.insert(name);
    }

    void refuse_the_rest() {
        for (const auto& [name, value] : state_)
            if (!used_.count(name) && name != "lm_head.weight" && !name.ends_with(".attn.bias"))  // the causal mask
                refuse_("it has a tensor " + shown(name) + ", which is not part of a GPT-2");
    }

    TorchFile file_;
    NanogptRefusal refuse_;
    const Pickled& arguments_;
    State state_;
    ModelConfig config_;
    StoredWeights stored_;
    std::set<std::string> used_;
    std::vector<std::string> notes_;
    uint64_t bytes_ = 0;
    bool all_bf16_ = true;
};

}  // namespace

ForeignModel read_nanogpt(const Ops& ops, const fs::path& file, std::optional<DType> dtype) {
    return Reader(file).read(ops, dtype);
}

}  // namespace gradus
