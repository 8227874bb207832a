// Demonstrations by critique and revision.
#include <catch2/catch.hpp>

#include "align/examples/reader.h"
#include "align/feedback/answer_sets.h"
#include "tests/tools/feedback_testing.h"
#include "tools/feedback/revise_answers.h"

using namespace gradus;
using namespace gradus::test;
using Json = nlohmann::json;

TEST_CASE("a revision has an answer, and a critique and another answer in every round, by principles of its own") {
    const Key key(nullptr);
    const TemporaryFolder folder;
    FakeServer server;
    const std::vector<Conversation> prompts = {{{"user", "one"}}, {{"user", "two"}, {"assistant", "x"}, {"user", "y"}}};
    const fs::path wording = folder.write("w.toml",
                                          "critique = \"c[{prompt}|{answer}|{principle}]\"\n"
                                          "revision = \"r[{answer}|{critique}|{principle}]\"\n"),
                   principles = folder.write("p.txt", "C1 | R1\nC2 | R2\nC3 | R3\n");
    ReviseAnswers o{.model = served(server),
                    .principles = principles,
                    .wording = wording,
                    .out = folder / "out.jsonl",
                    .rounds = 2};
    const RevisedAnswers r = revise_answers(prompts, o);
    REQUIRE((r.complete && r.written == 2 && r.changed == 2 && r.left_out == 0 && r.last_length > r.first_length));
    REQUIRE(server.requests == 2 * 5);
    const Json line = Json::parse(read_file(o.out).substr(0, read_file(o.out).find('\n')));
    REQUIRE(line["answers"].size() == 3);
    REQUIRE(line["critiques"].size() == 2);
    // The fake server repeats what it is asked.
    std::string answer = "to one";
    for (size_t round = 0; round < 2; ++round) {
        const Json principle = line["principles"][round];
        const std::string critique = "to c[one|" + answer + "|" + principle["critique"].get<std::string>() + "]";
        REQUIRE(line["answers"][round] == answer);
        REQUIRE(line["critiques"][round] == critique);
        answer = "to r[" + answer + "|" + critique + "|" + principle["revision"].get<std::string>() + "]";
    }
    REQUIRE(line["completion"] == answer);
    const ExampleFile file = read_examples(o.out, {}, Needs{Kind::demonstration, "gradus sft"});
    REQUIRE(file.format == "prompt-completion");
    REQUIRE(file.at<Demonstration>(1).conversation.size() == 4);
    // The first and the last answers can be compared.
    REQUIRE(read_answer_sets(o.out).all[1].answers.size() == 3);

    const int asked = server.requests;
    REQUIRE(revise_answers(prompts, o).last_length == Approx(r.last_length));
    REQUIRE(server.requests == asked);
    o.rounds = 3;
    REQUIRE_THAT(refusal([&] { revise_answers(prompts, o); }), Catch::Contains("rounds was 2, and is now 3"));
}

TEST_CASE("a model that writes nothing keeps the answer before; a prompt without any answer is left out") {
    const Key key(nullptr);
    const TemporaryFolder folder;
    FakeServer server;
    server.reply = [&](const Json& body) {
        const std::string request = body["messages"].back()["content"];
        const bool first = request == "one" || request == "two";
        return Json{{"choices", {{{"message", {{"content", first && request == "one" ? "kept" : " \n"}}}}}}}.dump();
    };
    ReviseAnswers o{.model = served(server), .out = folder / "out.jsonl"};
    const RevisedAnswers r = revise_answers({{{"user", "one"}}, {{"user", "two"}}}, o);
    REQUIRE((r.written == 1 && r.changed == 0 && r.left_out == 1));
    const Json line = Json::parse(read_file(o.out));
    REQUIRE(line["completion"] == "kept");
    REQUIRE(line["answers"] == Json({"kept", ""}));
    server.reply = [](const Json&) { return std::string(R"({"choices": [{"message": {"content": null}}]})"); };
    o.out = folder / "other.jsonl";
    REQUIRE_THAT(refusal([&] {
                     revise_answers({{{"user", "one"}}}, o);
                 }),
                 Catch::Contains("message.content is missing"));
}

TEST_CASE("a model in this process revises the same way after an interruption") {
    const TemporaryFolder folder;
    std::vector<Conversation> prompts;
    for (int i = 0; i < 70; ++i) prompts.push_back({{"user", "question " + std::to_string(i)}});  // more than a group
    prompts[3][0].content = std::string(2000, 'q');                                               // no room
    ReviseAnswers o{.model = tiny_model(), .out = folder / "whole.jsonl"};
    const RevisedAnswers r = revise_answers(prompts, o);
    REQUIRE(r.written + r.left_out == 70);
    REQUIRE(r.written > 50);
    const std::string whole = read_file(o.out);
    for (const double share : {0.3, 0.95}) {
        o.out = folder / ("part" + std::to_string(share));
        write_file_atomically(o.out, whole.substr(0, size_t(double(whole.size()) * share)));
        const RevisedAnswers again = revise_answers(prompts, o);
        REQUIRE(read_file(o.out) == whole);
        REQUIRE((again.written == r.written && again.left_out == r.left_out && again.changed == r.changed));
    }
}
