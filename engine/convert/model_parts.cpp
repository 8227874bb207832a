#include "engine/convert/model_parts.h"

#include <algorithm>

#include "engine/base/error.h"
#include "engine/checkpoint/transfer.h"

namespace gradus {

namespace {
constexpr int64_t piece_bytes = 4 << 20;
constexpr int gpt2_vocabulary = 50257, gpt2_padded_vocabulary = 50304;
constexpr int most_layers = 1000;
constexpr double gpt2_norm_eps = 1e-5;
}  // namespace

std::vector<DeclaredWeight> declared_weights(const ModelConfig& m) {
    std::vector<DeclaredWeight> all;
    for (const Weight& w : weights_of(m)) all.push_back({w.name, w.whole});
    return all;
}

std::unique_ptr<LanguageModel> model_of(const Ops& ops, const ModelConfig& m, DType dtype,
                                        const StoredWeights& stored) {
    auto model = make_language_model(ops, m, dtype);
    for (const Weight& w : model->weights())
        if (const auto found = stored.find(w.name); found != stored.end())
            copy_in(ops, model->run.stream, w.value, found->second);
    return model;
}

std::map<std::string, const Weight*> weights_by_name(const LanguageModel& model) {
    std::map<std::string, const Weight*> all;
    for (const Weight& w : model.weights()) all.emplace(w.name, &w);
    return all;
}

void stream_out(const Runtime& run, Tensor t, const std::function<void(const void*, size_t)>& write) {
    const int64_t row_bytes = t.last() * int64_t(size_of(t.dtype));
    const int64_t at_once = std::max<int64_t>(1, piece_bytes / row_bytes);
    std::vector<std::byte> piece;
    for (int64_t first = 0; first < t.rows(); first += at_once) {
        const int64_t count = std::min(at_once, t.rows() - first);
        piece.resize(size_t(count * row_bytes));
        copy_out(run.ops, run.stream, {piece.data(), element_of(t.dtype), t.last(), 1}, t.slice(first, count));
        write(piece.data(), piece.size());
    }
}

void require_plain_gpt2(const ModelConfig& m, const std::string& program) {
    const std::string what = program + " does not support this model", fix = "use --to hf, which supports every model";
    if (m.family != "gpt2") throw Error(what, "it is not a GPT-2, the only architecture of " + program, fix);
    if (!m.tied) throw Error(what, "its head is not the token embedding", fix);
    if (m.F != 4 * m.C)
        throw Error(what,
                    "its feed-forward layer is " + std::to_string(m.F) + " wide, and in " + program +
                        " it is 4 times the model's width, " + std::to_string(4 * int64_t(m.C)),
                    fix);
    if (m.norm.eps != gpt2_norm_eps) throw Error(what, "its norms do not have the eps 1e-5 of " + program + "", fix);
}

void validate_foreign(const ModelConfig& m, const std::string& file) {
    validate(m, file);
    if (m.L > most_layers)
        throw Error("'" + file + "' does not describe a model that can be read here",
                    "it would have " + std::to_string(m.L) + " layers; the limit is " + std::to_string(most_layers),
                    "copy the file again, or use another one");
}

int gpt2_end_of_text(int vocabulary) {
    const bool is_gpt2 = vocabulary == gpt2_vocabulary || vocabulary == gpt2_padded_vocabulary;
    return is_gpt2 ? gpt2_vocabulary - 1 : -1;
}

}  // namespace gradus
