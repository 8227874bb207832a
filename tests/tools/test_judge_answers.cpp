// Labels of pairs: what is written and reported, and what an interruption leaves.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

#include "align/examples/reader.h"
#include "tests/tools/feedback_testing.h"
#include "tools/feedback/judge_answers.h"

using namespace gradus;
using namespace gradus::test;
using Json = nlohmann::json;

namespace {

const std::string some_answers = R"({"prompt": "one", "answers": ["a", "bbbb", "ccccccccc"], "ranks": [3, 2, 1]}
{"prompt": "two", "chosen": "dddddddddddd", "rejected": "ee"}
{"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "three"}], "answers": ["f", "gg"]}
{"prompt": "four", "answers": ["hhhhh", "iiiiiiii"], "ranks": [1, 2]}
)";

}  // namespace

TEST_CASE("the labels of a server: both orders are averaged, its liking for a position is reported") {
    const Key key(nullptr);
    const TemporaryFolder folder;
    FakeServer server;
    server.bias = 1;
    const AnswerSets sets = read_answer_sets(folder.write("answers.jsonl", some_answers));
    JudgeAnswers o{.judge = served(server), .out = folder / "out.jsonl"};
    const JudgedAnswers judged = judge_answers(sets, o);
    REQUIRE((judged.complete && judged.left_out == 0 && judged.statistics.pairs == 6));
    REQUIRE(server.requests == 12);
    REQUIRE(judged.statistics.position.mean > 0.6);
    // It likes the longer one, as the file does, but for the last prompt.
    REQUIRE((judged.statistics.ranking.all == 5 && judged.statistics.ranking.right == 4));
    const ExampleFile file = read_examples(o.out, {}, Needs{Kind::preference, "gradus dpo"});
    REQUIRE(file.format == "preference");
    REQUIRE(file.examples.size() == 6);
    const auto p = [](double odds) { return 1 / (1 + std::exp(-odds)); };
    const auto& pair = file.at<Preference>(0);
    REQUIRE((pair.chosen == "bbbb" && pair.rejected == "a"));
    REQUIRE(pair.probability == Approx(0.5 + 0.5 * (p(1 + 0.75) - p(1 - 0.75))));
    REQUIRE(file.at<Preference>(4).prompt == Conversation{{"system", "S"}, {"user", "three"}});

    // Everything is done, so that neither the server nor a request is needed.
    const JudgedAnswers again = judge_answers(sets, o);
    REQUIRE(server.requests == 12);
    REQUIRE(again.statistics.pairs == 6);
    REQUIRE(again.statistics.position.mean == Approx(judged.statistics.position.mean));
    REQUIRE(again.statistics.entropy.mean == Approx(judged.statistics.entropy.mean));
    REQUIRE(again.statistics.agreeing == judged.statistics.agreeing);
    REQUIRE((again.statistics.ranking.right == 4 && again.statistics.ranking.all == 5));

    o.seed = 2;
    REQUIRE_THAT(refusal([&] { judge_answers(sets, o); }),
                 Catch::Contains("out.jsonl:1") && Catch::Contains("seed was 1, and is now 2"));
    o.seed = 1;
    o.clamp = 0.6;
    o.out = folder / "clamped.jsonl";
    judge_answers(sets, o);
    for (const Example& e : read_examples(o.out).examples) REQUIRE(std::get<Preference>(e).probability <= 0.6);
}

TEST_CASE("what a server judged before it broke down is kept, and the same command ends with the same file") {
    const Key key(nullptr);
    const TemporaryFolder folder;
    FakeServer server;
    const AnswerSets sets = read_answer_sets(folder.write("answers.jsonl", some_answers));
    JudgeAnswers o{.judge = served(server), .out = folder / "whole.jsonl"};
    o.judge.requests = 4;
    judge_answers(sets, o);
    const std::string whole = read_file(o.out);

    o.out = folder / "broken.jsonl";
    const int before = server.requests;
    server.refuse = [&](int number, httplib::Response& r) {
        if (number < before + 6) return false;
        r.status = 400;
        return true;
    };
    REQUIRE_THROWS_AS(judge_answers(sets, o), Error);
    const std::string part = read_file(o.out);
    REQUIRE(std::count(part.begin(), part.end(), '\n') == 2);
    REQUIRE(whole.starts_with(part));
    // As after a kill in the middle of a line, in the middle of a group.
    write_file_atomically(o.out, whole.substr(0, whole.size() * 3 / 5));
    server.refuse = nullptr;
    judge_answers(sets, o);
    REQUIRE(read_file(o.out) == whole);
}

TEST_CASE("a file of other lines, or of edited ones, is refused and stays as it is") {
    const Key key(nullptr);
    const TemporaryFolder folder;
    FakeServer server;
    const AnswerSets sets = read_answer_sets(folder.write("answers.jsonl", some_answers));
    JudgeAnswers o{.judge = served(server), .out = folder / "out.jsonl"};
    judge_answers(sets, o);
    const std::string whole = read_file(o.out);
    const auto with = [&](const std::string& text, const std::string& other) {
        std::string edited = whole;
        edited.replace(edited.find(text), text.size(), other);
        return edited;
    };
    for (const std::string& content :
         {std::string("{\"prompt\": \"a\"}\n"), std::string("text\n"), with("\"item\":0", "\"item\":6"),
          with("\"item\":1", "\"item\":0"), with("\"item\":1", "\"item\":-1"), with("\"first\":[", "\"first\":[3,"),
          with("\"probability\":0.", "\"probability\":7."), with("\"inputs\":\"", "\"inputs\":\"0")}) {
        write_file_atomically(o.out, content);
        INFO(content.substr(0, 300));
        REQUIRE_THROWS_AS(judge_answers(sets, o), Error);
        REQUIRE(read_file(o.out) == content);
    }
    REQUIRE(server.requests == 12);
}
