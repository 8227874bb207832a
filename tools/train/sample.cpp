#include "tools/train/sample.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <nlohmann/json.hpp>

#include "engine/base/signals.h"
#include "tokenizer/stream_decoder.h"
#include "tools/ranks.h"

namespace gradus {

std::vector<Prompt> sample_prompts(const Resolved& r, const RunData& data) {
    std::vector<Prompt> prompts;
    if (r.config.sample.every == 0) return prompts;
    for (const std::string& text : r.config.sample.prompts) {
        const Prompt prompt = {
            data.chat ? data.chat->encode_prompt({{"user", text}}) : ids_of_prompt(data.tokenizer, text),
            prompts.size()};
        if (prompt.ids.empty())
            throw Error("the prompt '' has no tokens to begin with",
                        "sample.prompts has an empty text, and the tokenizer has no end-of-text token",
                        "--set 'sample.prompts=[\"The\"]'");
        if (prompt.ids.size() >= size_t(r.model.context))
            throw Error(fmt::format("a prompt of {} tokens fills the model's context", prompt.ids.size()),
                        fmt::format("sample.prompts; the model has {} positions", r.model.context),
                        "write a shorter prompt");
        prompts.push_back(prompt);
    }
    return prompts;
}

TextSampler::TextSampler(const Resolved& r, const RunData& data, std::vector<Prompt> prompts, Generator* generator,
                         int64_t last_step, const Comm& all)
    : config_(r.config),
      tokenizer_(data.tokenizer),
      end_of_turn_(data.chat ? data.chat->end_of_turn() : -1),
      prompts_(std::move(prompts)),
      generator_(generator),
      all_(all) {
    CHECK(generator_ || prompts_.empty(), "sampling without a generator");
    if (!prompts_.empty() && all_.rank == 0) file_.emplace(fs::path(config_.run.dir) / "samples.jsonl", last_step);
}

void TextSampler::remove_after(int64_t step) {
    if (file_) file_->remove_after(step);
}

void TextSampler::sample(int64_t step) {
    if (!generator_) return;
    GenerateOptions options = {
        .max_tokens = int(config_.sample.tokens),
        .sampling = {.temperature = config_.sample.temperature, .seed = uint64_t(config_.train.seed)}};
    if (end_of_turn_ >= 0) options.ends_of_text = {end_of_turn_};
    // Several ranks must make the same calls, so they only stop after the last token.
    const std::vector<Generated> texts =
        generator_->generate(prompts_, options, [&](int, int32_t) { return all_.size > 1 || !stop_requested(); });
    if (all_.any(stop_requested()) || all_.rank > 0) return;  // incomplete texts are dropped
    for (size_t i = 0; i < texts.size(); ++i) {
        std::vector<int32_t> ids = texts[i].ids;
        std::erase_if(ids, [&](int32_t id) { return id >= tokenizer_.vocab_size(); });  // padding of the vocabulary
        const std::string text = replace_invalid_utf8(tokenizer_.decode(ids));
        file_->write({{"step", step}, {"prompt", config_.sample.prompts[i]}, {"text", text}});
        if (i == 0)
            tell(fmt::format("sample  {}{}{}\n", config_.sample.prompts[i], end_of_turn_ >= 0 ? " → " : "", text));
    }
}

void TextSampler::sync() {
    if (file_) file_->sync();
}

}  // namespace gradus
