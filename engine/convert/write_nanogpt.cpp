#include <algorithm>

#include "engine/base/error.h"
#include "engine/convert/model_parts.h"
#include "engine/convert/nanogpt.h"
#include "engine/convert/torch_file.h"
#include "engine/models/family.h"

namespace gradus {

namespace {

struct StateTensor {  // a tensor of the state dictionary and its storage
    std::string name, key;
    std::vector<int64_t> shape;
    Tensor value;
};

bool is_bias(const std::string& name) { return name.ends_with(".bias"); }

bool all_zero(const Runtime& run, Tensor t) {
    bool zero = true;
    stream_out(run, t, [&](const void* data, size_t bytes) {
        const auto* at = static_cast<const std::byte*>(data);
        zero = zero && std::all_of(at, at + bytes, [](std::byte b) { return b == std::byte{0}; });
    });
    return zero;
}

std::vector<StateTensor> state_tensors_of(const LanguageModel& model) {
    const ModelConfig& m = model.config();
    std::vector<StateTensor> all;
    bool bias = false;
    const auto weights = weights_by_name(model);
    for (const DeclaredWeight& w : declared_weights(m)) {
        const std::string name = "transformer." + family_named(m.family).external(m, w.name, w.spec)[0].name;
        const Tensor value = weights.at(w.name)->value;
        all.push_back({name, "", w.shape(), value});
        bias = bias || (is_bias(name) && !all_zero(model.run, value));
    }
    if (!bias)
        all.erase(std::remove_if(all.begin(), all.end(), [](const StateTensor& p) { return is_bias(p.name); }),
                  all.end());
    for (size_t i = 0; i < all.size(); ++i) all[i].key = std::to_string(i);
    return all;
}

// nanoGPT's AdamW before its first step: matrices are decayed, vectors are not, and there are no moments yet.
void write_optimizer(PickleWriter& out, const std::vector<StateTensor>& pieces) {
    out.text("optimizer");
    out.begin_dictionary();
    out.text("state");
    out.begin_dictionary();
    out.end_dictionary();
    out.text("param_groups");
    out.begin_list();
    int64_t id = 0;
    for (const bool decayed : {true, false}) {
        out.begin_dictionary();
        out.text("weight_decay");
        out.real(decayed ? 0.1 : 0.0);
        out.text("lr");
        out.real(6e-4);
        out.text("betas");
        out.pair(0.9, 0.95);
        out.text("eps");
        out.real(1e-8);
        for (const char* off : {"amsgrad", "maximize", "capturable", "differentiable"}) {
            out.text(off);
            out.boolean(false);
        }
        for (const char* unset : {"foreach", "fused"}) {
            out.text(unset);
            out.none();
        }
        out.text("params");
        out.begin_list();
        for (const StateTensor& p : pieces)
            if ((p.shape.size() == 2) == decayed) out.integer(id++);
        out.end_list();
        out.end_dictionary();
    }
    out.end_list();
    out.end_dictionary();
}

std::string pickle_of(const ModelConfig& m, const std::vector<StateTensor>& pieces, const std::string& dtype) {
    const bool bias = std::any_of(pieces.begin(), pieces.end(), [](const StateTensor& p) { return is_bias(p.name); });
    PickleWriter out;
    out.begin_dictionary();
    out.text("model");
    out.begin_dictionary();
    for (const StateTensor& p : pieces) {
        out.text(p.name);
        out.tensor(dtype, p.key, p.shape);
    }
    out.text("lm_head.weight");  // the same storage as the embedding
    out.tensor(dtype, pieces[0].key, pieces[0].shape);
    out.end_dictionary();
    write_optimizer(out, pieces);
    out.text("model_args");
    out.begin_dictionary();
    const std::pair<const char*, int> sizes[] = {
        {"n_layer", m.L}, {"n_head", m.H}, {"n_embd", m.C}, {"block_size", m.context}, {"vocab_size", m.V}};
    for (const auto& [key, value] : sizes) {
        out.text(key);
        out.integer(value);
    }
    out.text("bias");
    out.boolean(bias);
    out.text("dropout");
    out.real(0);
    out.end_dictionary();
    out.text("iter_num");
    out.integer(0);
    out.text("best_val_loss");
    out.real(1e9);
    out.text("config");
    out.begin_dictionary();
    out.end_dictionary();
    out.end_dictionary();
    return out.finish();
}

}  // namespace

void write_nanogpt(const LanguageModel& model, const fs::path& file) {
    require_plain_gpt2(model.config(), "nanoGPT");
    const std::vector<StateTensor> pieces = state_tensors_of(model);
    CHECK(pieces[0].name == "transformer.wte.weight", "the head shares the first storage");
    TorchWriter out(file, pickle_of(model.config(), pieces, stored_name(model.run.dtype)));
    for (const StateTensor& p : pieces) {
        out.begin_storage(p.key, p.value.bytes());
        stream_out(model.run, p.value, [&](const void* data, size_t bytes) { out.write(data, bytes); });
    }
    out.commit();
}

}  // namespace gradus
