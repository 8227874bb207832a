#pragma once
// The models of an experiment with a tiny policy: one shape, made as often as it is needed.
#include "align/batches/language_pass.h"
#include "align/batches/score_pass.h"
#include "engine/gradient_step.h"
#include "engine/initialise.h"
#include "engine/trainer.h"

namespace gradus::experiments {

struct Size {
    int L = 2, C = 64, H = 4, V = 32, context = 32;
    BatchShape train = {64, 32};
};

inline ModelConfig config_of(const Size& s) {
    ModelConfig m;
    m.L = s.L;
    m.C = s.C;
    m.H = m.G = s.H;
    m.D = s.C / s.H;
    m.F = 4 * s.C;
    m.V = s.V;
    m.context = s.context;
    return m;
}

inline std::unique_ptr<LanguageModel> policy(const Size& s, bool training) {
    return make_language_model(cpu_ops(), config_of(s), DType::f32, s.train, {.training = training});
}
inline std::unique_ptr<ScoreModel> scorer(const Size& s, bool training) {
    return std::make_unique<ScoreModel>(cpu_ops(), config_of(s), DType::f32, s.train, Mode{.training = training},
                                        Comm{});
}

// Adam(0.9, 0.95) without decay, over so many updates.
inline UpdateConfig adam(double lr, Decay decay, int64_t updates, double eps = 1e-5, int64_t warmup = 0) {
    UpdateConfig u;
    u.schedule = {.decay = decay, .lr = lr, .min_lr = 0, .warmup = warmup, .steps = updates};
    u.optimizer.eps = eps;
    u.optimizer.weight_decay = 0;
    u.stability.sigma = 0;
    return u;
}

// Supervised steps on texts that `text_of` draws; returns the loss of the last hundred.
template <class TextOf>
double fine_tune(LanguageModel& model, const UpdateConfig& update, int64_t steps, int batch, TextOf&& text_of) {
    TrainerConfig c{update};
    c.batch = batch;
    c.micro_batch = model.run.d.B;
    c.context = model.run.d.T;
    Trainer trainer(model, c);
    const NextBatch next = [&](int64_t first_sample, HostBatch& host) {
        Sequences texts;
        MicroBatch placed;
        for (int row = 0; row < host.B; ++row) {
            texts.add(text_of(first_sample + row));
            placed.push_back({row, row, 0});
        }
        fill(host, placed, texts);
    };
    double sum = 0;
    for (int64_t step = 0; step < steps; ++step) {
        const double loss = trainer.step(step, next, step + 1 < steps).loss;
        if (step >= steps - 100) sum += loss / double(std::min<int64_t>(steps, 100));
    }
    return sum;
}

}  // namespace gradus::experiments
