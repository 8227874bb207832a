// Samples, packing and rows for supervised fine-tuning.
#include <numeric>
#include <set>

#include "align/samples/dump.h"
#include "align/samples/packing.h"
#include "align/samples/sample_rows.h"
#include "align/samples/weighted_file.h"
#include "tests/align/goldens.h"

using namespace gradus;

namespace {

const ChatEncoder& chatml() {
    static const ChatEncoder chat(find_template("chatml"), chat_tokenizer());
    return chat;
}

// Samples with the ids 100·i, 100·i + 1, …; sample i has lengths[i] inputs, and its last two ids are learnt.
Samples numbered(const std::vector<int>& lengths, int first = 0, double weight = 1) {
    Samples samples;
    samples.weight = weight;
    for (size_t i = 0; i < lengths.size(); ++i) {
        EncodedChat sample;
        for (int t = 0; t <= lengths[i]; ++t) sample.ids.push_back(100 * (first + int(i)) + t);
        sample.learnt.assign(sample.ids.size(), 0);
        sample.learnt[sample.ids.size() - 1] = sample.learnt[sample.ids.size() - 2] = 1;
        samples.add(sample, int32_t(i));
    }
    return samples;
}

HostBatch rows_from(const SampleRows& rows, int64_t first, int count, int context) {
    HostBatch batch(count, context);
    rows.fill(first, batch);
    return batch;
}

// How often each sample (by its number) is in rows [first, first + count).
std::map<int, int> samples_in(const SampleRows& rows, int64_t first, int64_t count, int context) {
    const HostBatch batch = rows_from(rows, first, int(count), context);
    std::map<int, int> times;
    for (int b = 0; b < batch.B; ++b)
        for (int t = 0; t < batch.T; ++t) {
            const size_t i = size_t(b) * size_t(batch.T) + size_t(t);
            if (batch.positions[i] == 0 && batch.tokens[i] != 99999) ++times[batch.tokens[i] / 100];
        }
    return times;
}

SampleRowsOptions with_context(int context) {
    SampleRowsOptions options;
    options.context = context;
    options.padding = 99999;
    options.seed = 5;
    return options;
}

ExampleFile demonstrations(const std::vector<Conversation>& conversations) {
    ExampleFile file;
    file.path = "made.jsonl";
    file.kind = Kind::demonstration;
    for (const Conversation& c : conversations) file.examples.push_back(Demonstration{c});
    return file;
}

}  // namespace

TEST_CASE("rows hold every sample once, none is cut, and few ids are padding", "[samples]") {
    std::vector<int32_t> lengths;
    uint64_t state = 7;
    for (int i = 0; i < 2000; ++i)
        lengths.push_back(int32_t((state = state * 6364136223846793005u + 1442695040888963407u) >> 33) % 200 + 1);
    const auto rows = pack_best_fit(lengths, 256);
    std::set<int32_t> seen;
    for (const auto& row : rows) {
        int32_t used = 0;
        for (const int32_t i : row) {
            used += lengths[size_t(i)];
            REQUIRE(seen.insert(i).second);
        }
        REQUIRE(used <= 256);
    }
    REQUIRE(seen.size() == lengths.size());
    const double ids = std::accumulate(lengths.begin(), lengths.end(), 0.0);
    REQUIRE(ids / (256.0 * double(rows.size())) > 0.99);
    REQUIRE(pack_best_fit(std::vector<int32_t>{4, 3, 2, 4, 1, 2}, 8) ==
            std::vector<std::vector<int32_t>>{{0, 3}, {1, 2, 5, 4}});
    REQUIRE(pack_best_fit({}, 8).empty());
}

TEST_CASE("a packed row has each sample's ids, targets and positions, and a mask between samples", "[samples]") {
    SampleRowsOptions options = with_context(8);
    options.in_order = true;
    const SampleRows rows({numbered({4, 3})}, options);
    const HostBatch batch = rows_from(rows, 0, 2, 8);
    using Row = std::vector<int32_t>;
    REQUIRE(Row(batch.tokens.begin(), batch.tokens.begin() + 8) == Row{0, 1, 2, 3, 100, 101, 102, 99999});
    REQUIRE(Row(batch.targets.begin(), batch.targets.begin() + 8) == Row{-1, -1, 3, 4, -1, 102, 103, -1});
    REQUIRE(Row(batch.positions.begin(), batch.positions.begin() + 8) == Row{0, 1, 2, 3, 0, 1, 2, 0});
    REQUIRE(Row(batch.first_key.begin(), batch.first_key.begin() + 8) == Row{0, 0, 0, 0, 4, 4, 4, 7});
    // In order there is one epoch; rows after it have no target.
    REQUIRE(batch.valid_targets() == 4);
    REQUIRE(Row(batch.tokens.begin() + 8, batch.tokens.end()) == Row(8, 99999));
}

TEST_CASE("a row is the same whatever batch it is in and whatever was filled before", "[samples]") {
    std::vector<int> lengths;
    for (int i = 0; i < 60; ++i) lengths.push_back(2 + i * 7 % 13);
    const SampleRows rows({numbered(lengths)}, with_context(16));
    const int64_t per_epoch = rows.rows_of_epoch(0);
    const int count = int(3 * per_epoch + 2);
    const HostBatch all = rows_from(rows, 0, count, 16);
    const SampleRows fresh({numbered(lengths)}, with_context(16));
    for (int r = count - 1; r >= 0; --r) {
        const HostBatch one = rows_from(r % 2 ? fresh : rows, r, 1, 16);
        const auto begin = all.tokens.begin() + std::ptrdiff_t(r) * 16;
        REQUIRE(std::equal(one.tokens.begin(), one.tokens.end(), begin));
        REQUIRE(std::equal(one.targets.begin(), one.targets.end(), all.targets.begin() + std::ptrdiff_t(r) * 16));
    }
    SampleRowsOptions other_seed = with_context(16);
    other_seed.seed = 6;
    REQUIRE(rows_from(SampleRows({numbered(lengths)}, other_seed), 0, count, 16).tokens != all.tokens);
}

TEST_CASE("every epoch has every sample once, in another order", "[samples]") {
    std::vector<int> lengths;
    for (int i = 0; i < 40; ++i) lengths.push_back(2 + i % 9);
    const SampleRows rows({numbered(lengths)}, with_context(12));
    int64_t first = 0;
    std::vector<std::vector<int32_t>> first_rows;
    for (int64_t epoch = 0; epoch < 4; ++epoch) {
        const int64_t n = rows.rows_of_epoch(epoch);
        const auto times = samples_in(rows, first, n, 12);
        REQUIRE(times.size() == 40);
        for (const auto& [sample, count] : times) REQUIRE(count == 1);
        first_rows.push_back(rows_from(rows, first, 1, 12).tokens);
        first += n;
    }
    REQUIRE(first == rows.rows_of_epochs(4));
    REQUIRE(first_rows[0] != first_rows[1]);
}

TEST_CASE("weights repeat the samples of a file, or spread them over epochs", "[samples]") {
    const std::vector<int> lengths(20, 3);
    const SampleRows rows({numbered(lengths, 0, 2), numbered(lengths, 20, 0.5)}, with_context(6));
    std::map<int, int> both;
    for (int64_t epoch = 0; epoch < 2; ++epoch) {
        const auto times = samples_in(rows, rows.rows_of_epochs(epoch), rows.rows_of_epoch(epoch), 6);
        int halves = 0;
        for (const auto& [sample, count] : times) {
            both[sample] += count;
            if (sample >= 20) ++halves;
        }
        REQUIRE(halves == 10);
    }
    for (int i = 0; i < 40; ++i) REQUIRE(both[i] == (i < 20 ? 4 : 1));
    REQUIRE(contains(error_of([&] { SampleRows({numbered(lengths, 0, 0)}, with_context(6)); }).fix, "weight"));
}

TEST_CASE("a share of the rows comes from another source, spread evenly", "[samples]") {
    SampleRowsOptions options = with_context(6);
    options.other_share = 0.25;
    options.other = [](int64_t first, HostBatch& batch) {
        for (int b = 0; b < batch.B; ++b)
            for (int t = 0; t < batch.T; ++t) batch.tokens[size_t(b * batch.T + t)] = int32_t(1000000 + first + b);
    };
    const std::vector<int> lengths(20, 5);
    const SampleRows mixed({numbered(lengths)}, options), alone({numbered(lengths)}, with_context(6));
    const HostBatch batch = rows_from(mixed, 0, 40, 6);
    int64_t own = 0;
    for (int r = 0; r < 40; ++r) {
        const int32_t id = batch.tokens[size_t(r) * 6];
        if (r % 4 == 3) REQUIRE(id == 1000000 + r / 4);
        else REQUIRE(id == rows_from(alone, own++, 1, 6).tokens[0]);
    }
    const int64_t needed = mixed.rows_of_epochs(3);
    REQUIRE(needed - needed / 4 == alone.rows_of_epochs(3));
}

TEST_CASE("a conversation that is too long loses its oldest rounds, then the beginning of the question", "[samples]") {
    const std::string filler = "one two three four five six seven eight nine ten ";
    Conversation conversation = {{"system", "Be brief."},
                                 {"user", "old " + filler},
                                 {"assistant", "first"},
                                 {"user", "new " + filler + "the end?"},
                                 {"assistant", "second"}};
    const auto text_for = [&](int context) {
        const Fitted sample = fitted(conversation, chatml(), {context, Learn::every_answer});
        REQUIRE(sample.encoded.ids.size() <= size_t(context) + 1);
        return chatml().tokenizer().decode(sample.encoded.ids);
    };
    const int whole = int(chatml().encode(conversation).ids.size());
    REQUIRE(contains(text_for(whole), "old one"));
    const std::string one_round = text_for(whole - 10);
    REQUIRE(!contains(one_round, "old one"));
    REQUIRE(one_round.starts_with("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nnew one"));
    const int of_one = int(chatml().tokenizer().encode_with_specials(one_round).size()) - 1;
    const std::string cut = text_for(of_one - 3);
    REQUIRE(!contains(cut, "new one"));
    REQUIRE(contains(cut, "the end?<|im_end|>\n<|im_start|>assistant\nsecond<|im_end|>"));
    REQUIRE(cut.starts_with("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n"));
    REQUIRE(fitted(conversation, chatml(), {20, Learn::every_answer}).encoded.ids.empty());

    conversation.pop_back();
    const auto prompt = fitted_prompt(conversation, chatml(), of_one - 8);
    REQUIRE(!prompt.empty());
    REQUIRE(int(prompt.size()) <= of_one - 8);
    REQUIRE(chatml().tokenizer().decode(prompt).ends_with("the end?<|im_end|>\n<|im_start|>assistant\n"));
    REQUIRE(fitted_prompt(conversation, chatml(), 10).empty());
}

TEST_CASE("all answers to a prompt are compared after the same prompt", "[samples]") {
    const std::string filler = "one two three four five six seven eight nine ten ";
    const Conversation prompt = {{"user", "old"}, {"assistant", "first"}, {"user", "new " + filler + "the end?"}};
    const std::vector<std::string> answers = {"yes", "no, " + filler};
    const auto prompt_of = [](const EncodedChat& sample) {
        std::vector<int32_t> ids;
        for (size_t i = 0; i < sample.ids.size() && !sample.learnt[i]; ++i) ids.push_back(sample.ids[i]);
        return ids;
    };
    int fitting = 0;
    for (int longest = 10; longest < 200; ++longest) {
        const auto encoded = fitted_answers(prompt, answers, chatml(), longest);
        if (encoded.empty()) continue;
        ++fitting;
        REQUIRE(encoded.size() == 2);
        REQUIRE(prompt_of(encoded[0]) == prompt_of(encoded[1]));
        for (const EncodedChat& sample : encoded) {
            REQUIRE(int(sample.ids.size()) <= longest);
            REQUIRE(sample.ids.back() == chatml().end_of_turn());
        }
    }
    REQUIRE(fitting > 50);
    REQUIRE(prompt_of(fitted_answers(prompt, answers, chatml(), 500)[0]) == chatml().encode_prompt(prompt));
}

TEST_CASE("a file may have a weight", "[samples]") {
    REQUIRE(weighted_file("a/b.jsonl").weight == 1);
    REQUIRE(weighted_file("a/b.jsonl@0.25").weight == 0.25);
    REQUIRE(weighted_file("a/b.jsonl@0.25").path == "a/b.jsonl");
    const TemporaryFolder folder;
    const fs::path odd = folder.write("b@2", "");
    REQUIRE(weighted_file(odd.string()).path == odd);
    for (const char* bad : {"b@", "b@x", "b@0", "b@-1", "b@nan", "b@1x"}) REQUIRE_THROWS_AS(weighted_file(bad), Error);
}

TEST_CASE("every context that fits a sample at all fits a shortened one", "[samples]") {
    const Conversation conversation = {{"user", "日本語の長い質問 with some words\n\n\nand lines 🙂🙂"},
                                       {"assistant", "ok"}};
    const int whole = int(chatml().encode(conversation).ids.size());
    bool fits = false;
    for (int context = 4; context <= whole; ++context) {
        const Fitted sample = fitted(conversation, chatml(), {context, Learn::every_answer});
        REQUIRE((!sample.encoded.ids.empty() || !fits));
        fits = !sample.encoded.ids.empty();
        if (fits) REQUIRE(int(sample.encoded.ids.size()) <= context + 1);
    }
    REQUIRE(fits);
}

TEST_CASE("answers longer than the context are dropped and counted; if all are, that is an Error", "[samples]") {
    std::string long_answer;
    for (int i = 0; i < 100; ++i) long_answer += "word ";
    const ExampleFile file =
        demonstrations({{{"user", "a"}, {"assistant", "b"}}, {{"user", "a"}, {"assistant", long_answer}}});
    const Samples samples = samples_of(file, chatml(), {40, Learn::every_answer});
    REQUIRE(samples.size() == 1);
    REQUIRE(samples.dropped.at("longer than the context") == 1);
    REQUIRE(summary_of(samples) == "1 samples; dropped 1: longer than the context");
    REQUIRE(samples.learnt.back() == 1);
    REQUIRE(samples.ids.back() == chatml().end_of_turn());
    const Error error = error_of([&] {
        samples_of(demonstrations({{{"user", "a"}, {"assistant", long_answer}}}), chatml(), {40, Learn::every_answer});
    });
    REQUIRE(contains(error.text(), "made.jsonl"));
    REQUIRE(contains(error.text(), "dropped 1: longer than the context"));
}

TEST_CASE("a sample is shown as a JSON line and as text with the learnt parts marked", "[samples]") {
    const EncodedChat sample = chatml().encode({{"user", "hé\n"}, {"assistant", "wörld"}});
    const auto json = nlohmann::json::parse(sample_as_json(sample.ids, sample.learnt, chatml().tokenizer()));
    REQUIRE(json["ids"] == sample.ids);
    REQUIRE(json["learnt"] == sample.learnt);
    REQUIRE(json["text"] == "<|im_start|>user\nhé\n<|im_end|>\n<|im_start|>assistant\nwörld<|im_end|>\n");
    REQUIRE(json.size() == 3);
    const auto text = [&](Colours colours) {
        return sample_as_text(sample.ids, sample.learnt, chatml().tokenizer(), colours);
    };
    REQUIRE(text(Colours::none) == "<|im_start|>user\nhé\n<|im_end|>\n<|im_start|>assistant\n⟦wörld<|im_end|>⟧\n\n");
    REQUIRE(contains(text(Colours::ansi), "\033[32mwörld\033[0m\033[32;7m<|im_end|>\033[0m"));
}
