#pragma once
// Data sets of examples, and how a conversation becomes a text: the part that the sections of sft, reward and dpo share.
#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/settings.h"

namespace gradus {

struct ExampleSettings {
    std::vector<std::string> data, val;
    std::string format, chat_template;
    double val_share = 0.05;
    int64_t epochs = 1, max_bad_lines = 0;

    template <class Visit>
    void each(Visit&& visit) {
        using enum OnResume;
        // clang-format off
        visit("data", data, Limits{}, free,
              "files to learn from: .jsonl or .json, plain, .gz or .zst; FILE@2 uses each of its examples twice an epoch",
              {"train", "dataset", "train_file"});
        visit("val", val, Limits{}, free,
              "files to validate on; unset: val_share of the training examples",
              {"eval_file", "validation_file"});
        visit("val_share", val_share, between(0, 0.5), fixed,
              "share of the training examples, chosen by a hash of their text, that validates instead; 0: none");
        visit("format", format, Limits{}, free,
              "format of all files, such as messages, sharegpt, alpaca, hh or ranking; unset: detected",
              {"dataset_format"});
        visit("template", chat_template, Limits{}, free,
              "how a conversation becomes a text: chatml, llama2, llama3, zephyr, alpaca, dolly, nanochat, plain, a file, "
              "or TOML; unset: the template of model.from",
              {"chat_template"});
        visit("epochs", epochs, between(1, 1e6), fixed,
              "how often each example is seen; sets train.steps where that is not set",
              {"num_train_epochs", "num_epochs"});
        visit("max_bad_lines", max_bad_lines, between(0, 1e12), free,
              "lines that cannot be read, before that is an error");
        // clang-format on
    }
};

}  // namespace gradus
