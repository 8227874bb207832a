// A judge in this process, against the forward pass of training.
#include <catch2/catch.hpp>

#include <cmath>

#include "align/batches/language_pass.h"
#include "align/examples/reader.h"
#include "tests/tools/feedback_testing.h"
#include "tools/align/answers.h"
#include "tools/feedback/judge_answers.h"
#include "tools/feedback/model_judge.h"

using namespace gradus;
using namespace gradus::test;
using Json = nlohmann::json;

namespace {

// log p of a label after the request, by the forward pass of training.
double by_training_pass(AnsweringModel& model, const FeedbackWording& w, const std::string& request, int label) {
    const auto ids_of = [&](int i) {
        return model.chat().encode({{"user", request}, {"assistant", w.lead + w.labels[size_t(i)]}}).ids;
    };
    const std::vector<int32_t> own = ids_of(label), other = ids_of(1 - label);
    Sequence text{own, std::vector<uint8_t>(own.size())};
    for (size_t n = 0; n < own.size(); ++n) text.learnt[n] = own[n] != other[n];
    const Sequences texts = joined({text});
    LanguagePass pass(model.model());
    double sum = 0;
    for (const double x : pass.log_probs(pack(texts, 1, model.model().run.d.T), texts)) sum += x;
    return sum;
}

}  // namespace

TEST_CASE("a judge in this process says what the training pass says, for labels of one id and of several") {
    AnsweringModel trained(tiny_gpt2_folder, "plain", cpu_ops(), DType::f32, {1, 512});
    FeedbackWording letters, long_labels, no_lead;
    long_labels.labels = {"xqj", "zkv"};
    no_lead.lead = "";
    no_lead.labels = {"1", "2"};
    for (const FeedbackWording& w : {letters, long_labels, no_lead}) {
        ModelJudge judge(tiny_model(), w, {});
        const std::vector<std::string> requests = requests_of(w, 21);  // more than the cache holds at once
        const auto found = judge.compare(requests);
        REQUIRE(found.size() == requests.size());
        double largest = 0;
        for (size_t i = 0; i < requests.size(); ++i) {
            REQUIRE(found[i]);
            const double a = by_training_pass(trained, w, requests[i], 0),
                         b = by_training_pass(trained, w, requests[i], 1);
            REQUIRE(std::abs(found[i]->a - found[i]->b - (a - b)) < 1e-4);
            REQUIRE(found[i]->bounds == 0);
            largest = std::max(largest, std::abs(a - b));
        }
        REQUIRE(largest > 0.01);
    }
}

TEST_CASE("a request that does not fit into the judge's context has no label, and its neighbours have theirs") {
    const FeedbackWording w;
    ModelJudge judge(tiny_model(), w, {});
    std::vector<std::string> requests = requests_of(w, 3);
    const auto alone = judge.compare(requests);
    requests.insert(requests.begin() + 1, std::string(3000, 'q'));
    const auto found = judge.compare(requests);
    REQUIRE(!found[1]);
    for (const auto& [i, j] : {std::pair(0, 0), {2, 1}, {3, 2}})
        REQUIRE(found[size_t(i)]->first() == Approx(alone[size_t(j)]->first()).margin(1e-6));
}

TEST_CASE("labels that a tokenizer cuts into different numbers of ids are an Error") {
    FeedbackWording w;
    w.labels = {"A", "Bqzk"};
    ModelJudge judge(tiny_model(), w, {});
    const Error e = error_of([&] { judge.compare({"which?"}); });
    REQUIRE_THAT(e.text(), Catch::Contains("'A' and 'Bqzk'") && Catch::Contains("--wording"));
}

TEST_CASE("a judge in this process gives the same labels whichever answer comes first in the file") {
    const TemporaryFolder folder;
    std::vector<std::pair<std::string, double>> labels[2];
    for (const bool swapped : {false, true}) {
        const std::string a = R"("the red one")", b = R"("a green and blue thing")";
        const AnswerSets sets = read_answer_sets(folder.write(
            "a.jsonl", "{\"prompt\": \"which?\", \"answers\": [" + (swapped ? b + ", " + a : a + ", " + b) + "]}\n"));
        JudgeAnswers o{.judge = tiny_model(), .out = folder / (swapped ? "two.jsonl" : "one.jsonl")};
        judge_answers(sets, o);
        for (const Example& e : read_examples(o.out).examples) {
            const auto& p = std::get<Preference>(e);
            labels[swapped].push_back({p.chosen, p.probability});
        }
    }
    REQUIRE(labels[0].size() == 1);
    REQUIRE(labels[0][0].first == labels[1][0].first);
    REQUIRE(labels[0][0].second == Approx(labels[1][0].second).margin(1e-6));
}
