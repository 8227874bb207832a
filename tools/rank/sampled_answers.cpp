#include "tools/rank/sampled_answers.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "align/collect/line_file.h"
#include "align/examples/fields.h"
#include "align/examples/records.h"
#include "data/text.h"
#include "engine/base/error.h"
#include "engine/base/plural.h"
#include "engine/base/signals.h"
#include "tools/chat_template_of.h"
#include "tools/open_model.h"

namespace gradus {

namespace {

constexpr int sequences_at_once = 32;  // in the KV cache

using Answers = std::vector<std::string>;

uint64_t prompt_identity(const Conversation& prompt) { return identity_of(prompt, {}); }

nlohmann::ordered_json settings_of(const SampleAnswers& o) {
    return {{"model", o.model},
            {"template", o.chat_template},
            {"samples", o.samples},
            {"temperature", o.generate.sampling.temperature},
            {"max_tokens", o.generate.max_tokens},
            {"seed", o.generate.sampling.seed}};
}

class AnswerCache {
public:
    AnswerCache(const fs::path& path, const SampleAnswers& options) : file_(path), settings_(settings_of(options)) {
        for (size_t i = 0; i < file_.lines().size(); ++i)
            read(parse_record(file_.lines()[i], path.string() + ":" + std::to_string(i + 1)));
    }

    const Answers* find(const Conversation& prompt) const {
        const auto found = answers_.find(prompt_identity(prompt));
        return found == answers_.end() ? nullptr : &found->second;
    }

    void add(const Conversation& prompt, Answers answers) {
        nlohmann::ordered_json line;
        put_prompt(line, prompt);
        line["answers"] = answers;
        line["generated"] = settings_;
        file_.append(line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
        answers_[prompt_identity(prompt)] = std::move(answers);
    }

private:
    void read(const Record& record) {
        Fields fields(record.object);
        if (!record.problem.empty()) fields.fail(record.problem);
        Conversation prompt;
        Answers answers;
        if (fields.problem().empty()) {
            prompt = fields.prompt();
            for (const Json& answer : fields.array("answers")) answers.push_back(fields.answer(answer, prompt));
            const Json& generated = fields.value("generated");
            if (fields.problem().empty()) require_same(generated, record.place);
        }
        if (!fields.problem().empty())
            throw Error("bad answers at '" + record.place + "'", fields.problem(), "remove that line or the file");
        answers_[prompt_identity(prompt)] = std::move(answers);
    }

    void require_same(const Json& generated, const std::string& place) const {
        for (const auto& [key, value] : settings_.items()) {
            const Json there = generated.is_object() ? generated.value(key, Json()) : Json();
            if (there == Json(value)) continue;
            throw Error("the answers in '" + file_.path().string() + "' were generated otherwise",
                        fmt::format("{}: {} was {}, and is now {}", place, key, there.dump(), value.dump()),
                        "give the same options, rank the present answers with --answers, or name another --out");
        }
    }

    LineFile file_;
    nlohmann::ordered_json settings_;
    std::map<uint64_t, Answers> answers_;
};

// The prompts that are not in the cache, with their ids.
struct EncodedPrompts {
    std::vector<const Conversation*> prompts;
    std::vector<std::vector<int32_t>> ids;
    size_t longest = 0;
};

EncodedPrompts encoded(const std::vector<const Conversation*>& missing, const ChatEncoder& chat, int context,
                       AnswerCache& cache) {
    EncodedPrompts w;
    int64_t too_long = 0;
    for (const Conversation* prompt : missing) {
        std::vector<int32_t> ids = chat.encode_prompt(*prompt);
        if (int(ids.size()) >= context) {
            ++too_long;
            cache.add(*prompt, {});
            continue;
        }
        w.longest = std::max(w.longest, ids.size());
        w.prompts.push_back(prompt);
        w.ids.push_back(std::move(ids));
    }
    if (too_long > 0)
        note(fmt::format("no answers to {}: the model's context of {} tokens has no room for one",
                         number_of(too_long, "prompt"), context));
    return w;
}

// Generates all answers; each prompt's go into the cache when the last of them is complete. False: a stop was
// requested.
bool generate_into(AnswerCache& cache, const EncodedPrompts& w, const ChatEncoder& chat, Generator& generator,
                   const SampleAnswers& o, GenerateOptions options) {
    const size_t K = size_t(o.samples), n = w.prompts.size();
    std::vector<std::vector<int32_t>> drawn(n * K);
    std::vector<size_t> unfinished(n, K);
    for (size_t i = 0; i < n * K; ++i) {
        // A stream of the prompt itself, so that its answers do not depend on which others are missing.
        generator.add({w.ids[i / K], prompt_identity(*w.prompts[i / K]) + i % K}, options);
    }
    const int32_t known = chat.tokenizer().vocab_size();
    ProgressLine progress("answers");
    int64_t done = 0;
    while (generator.step()) {
        if (stop_requested()) return false;
        for (const Drawn& d : generator.poll()) {
            const size_t request = size_t(d.request), prompt = request / K;
            if (d.is_text() && d.id < known) drawn[request].push_back(d.id);
            if (!d.finish || --unfinished[prompt] > 0) continue;
            Answers answers;
            for (size_t k = 0; k < K; ++k) answers.push_back(repair_utf8(chat.answer_of(drawn[prompt * K + k]).text));
            cache.add(*w.prompts[prompt], std::move(answers));
            progress.update(double(++done), double(n), "prompts");
        }
    }
    return true;
}

bool generate_missing(AnswerCache& cache, const std::vector<const Conversation*>& missing, const SampleAnswers& o) {
    const ModelFolder folder = open_model_folder(o.model);
    const ChatEncoder chat = chat_encoder_of(folder.folder, folder.tokenizer, o.model, o.chat_template, "--template ");
    const EncodedPrompts w = encoded(missing, chat, folder.config.context, cache);
    if (w.prompts.empty()) return true;
    tell(fmt::format("generating {} for each of {}\n", number_of(o.samples, "answer"),
                     number_of(int64_t(w.prompts.size()), "prompt")));
    const auto model = load_model(folder, ops_of(o.compute.device), parse_dtype(o.compute.dtype), {});
    GenerateOptions options = o.generate;
    options.ends_of_text = folder.ends;
    options.ends_of_text.push_back(chat.end_of_turn());
    const size_t requests = w.prompts.size() * size_t(o.samples);
    Generator generator(
        *model, {.sequences = int(std::min<size_t>(requests, sequences_at_once)),
                 .context = int(std::min(size_t(folder.config.context), w.longest + size_t(options.max_tokens)))});
    return generate_into(cache, w, chat, generator, o, options);
}

}  // namespace

fs::path answers_beside(const fs::path& out) {
    return out.extension() == ".jsonl" ? fs::path(out).replace_extension(".answers.jsonl")
                                       : fs::path(out.string() + ".answers.jsonl");
}

std::optional<CandidateList> sampled_answers(const std::vector<Conversation>& prompts, const SampleAnswers& o,
                                             const fs::path& path) {
    AnswerCache cache(path, o);
    std::vector<const Conversation*> missing;
    std::set<uint64_t> seen;
    for (const Conversation& prompt : prompts)
        if (!cache.find(prompt) && seen.insert(prompt_identity(prompt)).second) missing.push_back(&prompt);
    if (!missing.empty() && !generate_missing(cache, missing, o)) return std::nullopt;
    CandidateList list;
    for (const Conversation& prompt : prompts) list.add(prompt, *cache.find(prompt));
    return list;
}

}  // namespace gradus
