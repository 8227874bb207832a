// Feedback of a model: align/feedback/.
#include <catch2/catch.hpp>

#include <set>

#include "align/feedback/answer_sets.h"
#include "align/feedback/preference.h"
#include "align/feedback/principles.h"
#include "align/feedback/wording.h"
#include "tests/align/derivative.h"
#include "tests/data/temporary_folder.h"

using namespace gradus;
using namespace gradus::test;

namespace {

const Conversation question = {{"user", "Q"}};

std::vector<Principle> principles(const std::string& text, PrincipleUse use = PrincipleUse::revise) {
    return parse_principles(text, "p.txt", use);
}

// The Error's three lines contain all of the parts.
template <class Run>
void refused(Run run, const std::vector<std::string>& parts) {
    const std::string text = error_of(run).text();
    INFO(text);
    for (const std::string& part : parts) REQUIRE(text.find(part) != std::string::npos);
}

AnswerSets sets_in(const std::string& lines) {
    const TemporaryFolder folder;
    return read_answer_sets(folder.write("a.jsonl", lines));
}

}  // namespace

TEST_CASE("principles are read as JSON lines and as plain text, beside comments and blank lines") {
    const std::vector<Principle> p = principles(
        "# a comment\n\n  be kind  \r\nwhat is wrong? | improve it\nbe brief | too long? | shorten it\n"
        R"({"principle": "be true", "revision": "say what is true"})"
        "\n"
        R"({"critique": "c | d", "revision": "r"})");
    REQUIRE(p.size() == 5);
    REQUIRE(p[0].text == "be kind");
    REQUIRE(p[0].critique.ends_with("principle: be kind"));
    REQUIRE(p[0].revision.ends_with("principle: be kind"));
    REQUIRE(p[1] == Principle{"", "what is wrong?", "improve it"});
    REQUIRE(p[2] == Principle{"be brief", "too long?", "shorten it"});
    REQUIRE((p[3].text == "be true" && p[3].critique.ends_with(": be true") && p[3].revision == "say what is true"));
    REQUIRE(p[4] == Principle{"", "c | d", "r"});
}

TEST_CASE("a line that is no principle is an Error with its place") {
    refused([] { principles("a\n| b\n"); }, {"p.txt:2", "is empty"});
    refused([] { principles("a | b | c | d"); }, {"p.txt:1", "4 parts"});
    refused([] { principles("{\"principle\": \"a\""); }, {"p.txt:1", "not JSON"});
    refused([] { principles(R"({"principle": 3})"); }, {"p.txt:1", "'principle' is not a string"});
    refused([] { principles(R"({"principal": "a"})"); }, {"p.txt:1", "unknown key 'principal'"});
    refused([] { principles(R"({"critique": "a"})"); }, {"p.txt:1", "nor a revision"});
    refused([] { principles("{}"); }, {"p.txt:1", "nor a critique"});
    refused([] { principles("a\nb | c\n", PrincipleUse::judge); }, {"p.txt:2", "no principle to compare"});
    refused([] { principles(""); }, {"has no principles", "empty"});
    refused([] { principles("# only\n"); }, {"has no principles", "comments"});
}

TEST_CASE("the included principles serve revisions and comparisons") {
    const fs::path file = fs::path(GRADUS_ROOT) / "tools/recipes/align/principles.jsonl";
    REQUIRE(read_principles(file, PrincipleUse::judge).size() == 16);
    for (const Principle& p : read_principles(file, PrincipleUse::revise))
        REQUIRE((!p.text.empty() && !p.critique.empty() && !p.revision.empty()));
}

TEST_CASE("which principle is drawn is a function of seed, item and round, and all are drawn equally often") {
    constexpr size_t count = 5;
    std::vector<int> drawn(count);
    int same = 0;
    for (uint64_t item = 0; item < 5000; ++item) {
        const size_t first = drawn_principle(7, item, 0, count);
        REQUIRE(first == drawn_principle(7, item, 0, count));
        ++drawn[first];
        same += first == drawn_principle(7, item, 1, count);
    }
    for (const int n : drawn) REQUIRE(std::abs(n - 1000) < 150);
    REQUIRE(std::abs(same - 1000) < 150);
    REQUIRE(drawn_principle(1, 2, 3, 1) == 0);
}

TEST_CASE("placeholders are replaced in one pass: what is filled in is not searched") {
    REQUIRE(filled("{a}-{b}{a}", {{"a", "{b}"}, {"b", "x"}}) == "{b}-x{b}");
    REQUIRE(filled("{c} {} {A} {a", {{"a", "x"}}) == "{c} {} {A} {a");
    FeedbackWording w;
    w.critique = "{prompt}|{answer}|{principle}";
    w.revision = "{prompt}|{answer}|{critique}|{principle}";
    w.judge = "{prompt}|{answer_a}|{answer_b}|{principle}";
    const Principle p{"T", "C", "R"};
    REQUIRE(critique_request(w, question, "{principle}", p) == "Q|{principle}|C");
    REQUIRE(revision_request(w, question, "a", "{answer}", p) == "Q|a|{answer}|R");
    REQUIRE(judge_request(w, question, "one", "two", p) == "Q|one|two|T");
    const Conversation talk = {{"system", "S"}, {"user", "Q"}, {"assistant", "A"}, {"user", "R"}};
    REQUIRE(judge_request(w, talk, "one", "two", p) == "System: S\n\nUser: Q\n\nAssistant: A\n\nUser: R|one|two|T");
}

TEST_CASE("a wording is read from TOML, and what is missing keeps its default") {
    const FeedbackWording usual, w = wording_from_toml(
                                     "judge = \"{answer_a} or {answer_b} by {principle}?\"\nlead = \"\"\n"
                                     "labels = [\"1\", \"2\"]\n",
                                     "w.toml");
    REQUIRE(w.judge == "{answer_a} or {answer_b} by {principle}?");
    REQUIRE((w.lead.empty() && w.labels == std::vector<std::string>{"1", "2"} && w.critique == usual.critique));
    REQUIRE(wording_from_toml("", "w.toml") == usual);
    refused([] { wording_from_toml("judgement = \"a\"", "w.toml"); }, {"unknown key 'judgement'", "w.toml"});
    refused([] { wording_from_toml("judge = 3", "w.toml"); }, {"'judge' is a whole number", "a string must be"});
    refused([] { wording_from_toml("judge = \"{answer_a} {principle}\"", "w.toml"); }, {"'judge' lacks {answer_b}"});
    refused([] { wording_from_toml("critique = \"{answer} {principle} {critique}\"", "w.toml"); },
            {"'critique' has the unknown placeholder {critique}"});
    for (const char* labels : {"[\"A\"]", "[\"A\", \" A\"]", "[\"A\", \"\"]", "[\"A\", \"B\", \"C\"]"})
        refused([&] { wording_from_toml(std::string("labels = ") + labels, "w.toml"); }, {"two different texts"});
}

TEST_CASE("the preference is the mean over both orders, whichever answer is called the first") {
    REQUIRE(is_near((LabelLogProbs{-1, -1, 0}).first(), 0.5));
    REQUIRE(is_near((LabelLogProbs{std::log(0.3), std::log(0.1), 0}).first(), 0.75));
    REQUIRE((LabelLogProbs{-3000, 0, 0}).first() == 0);
    // A judge who likes what is shown first: 0.9 and 0.6 are 0.65 for the first answer.
    const BothOrders o{0.9, 0.6, 0};
    REQUIRE(is_near(o.probability(), 0.65));
    REQUIRE(o.prefers_first());
    REQUIRE(is_near(o.position(), 0.75));
    REQUIRE(!o.agree());
    REQUIRE((BothOrders{0.9, 0.2, 0}).agree());
    REQUIRE((BothOrders{0.2, 0.9, 0}).agree());
    REQUIRE(!(BothOrders{0.5, 0.2, 0}).agree());
    Draws draw(1);
    for (int i = 0; i < 100; ++i) {
        const BothOrders one{draw.uniform(), draw.uniform(), 0}, other = one.exchanged();
        REQUIRE(one.probability() == other.probability());  // to the last bit
        REQUIRE((one.probability() >= 0.5 && one.probability() <= 1));
        REQUIRE(one.prefers_first() != other.prefers_first());
        REQUIRE(one.agree() == other.agree());
    }
    // A judge who only likes positions knows nothing.
    REQUIRE((BothOrders{0.8, 0.8, 0}).probability() == 0.5);
}

TEST_CASE("the labels are found among a server's tokens however they are spelt, and a missing one is bounded") {
    const auto log_of = [](double p) { return std::log(p); };
    const LabelLogProbs all = label_log_probs(
        {{"A", log_of(0.2)}, {" A", log_of(0.1)}, {"(B", log_of(0.3)}, {"The", log_of(0.05)}}, "A", "B");
    REQUIRE(is_near(std::exp(all.a), 0.3));
    REQUIRE(is_near(std::exp(all.b), 0.3));
    REQUIRE(all.bounds == 0);
    for (const char* spelt : {"A", " A", "(A", "(A)", "A)", "**A", "\"A\"", "▁A", "ĠA", " (A).", "\nA"})
        REQUIRE(label_log_probs({{spelt, -1}, {"B", -2}}, "A", "B").a == -1);
    for (const char* other : {"a", "AB", "Answer", "B A", ""})
        REQUIRE(label_log_probs({{other, -1}, {"B", -2}}, "A", "B").bounds == 1);
    const LabelLogProbs one = label_log_probs({{"A", -0.1}, {"x", -4}, {"y", -6}}, "A", "B");
    REQUIRE((one.a == -0.1 && one.b == -6 && one.bounds == 1));
    const LabelLogProbs none = label_log_probs({{"x", -4}, {"y", -6}}, "A", "B");
    REQUIRE((none.first() == 0.5 && none.bounds == 2));
    REQUIRE(label_log_probs({}, "A", "B").bounds == 2);
}

TEST_CASE(
    "the statistics of a judge: agreement of the orders, liking for a position, entropy, ties, agreement with people") {
    JudgeStatistics s;
    REQUIRE((s.agreement() == 0 && s.position.mean == 0));
    const BothOrders sure{0.9, 0.1, 0}, liking{0.8, 0.8, 1}, wrong{0.2, 0.6, 0};
    for (const BothOrders& o : {sure, liking, wrong}) {
        s.add(o, o.probability());
        s.add_ranked(o, true);
    }
    REQUIRE(is_near(s.agreement(), 2.0 / 3));
    REQUIRE(is_near(s.position.mean, (0.5 + 0.8 + 0.4) / 3));
    REQUIRE((s.ties == 1 && s.bounds == 1 && s.pairs == 3));
    REQUIRE((s.ranking.right == 1 && s.ranking.all == 2 && s.ranking.ties == 1));
    REQUIRE(is_near(s.entropy.mean, (entropy_of_label(0.9) + entropy_of_label(0.5) + entropy_of_label(0.7)) / 3));
    REQUIRE(is_near(entropy_of_label(0.5), std::log(2.0)));
    REQUIRE((entropy_of_label(1) == 0 && entropy_of_label(0) == 0));
    const std::string text = text_of(s);
    REQUIRE(text.find("3 pairs") != std::string::npos);
    REQUIRE(text.find("0.500 (0.095 to 0.905) of 2 ranked pairs") != std::string::npos);
    REQUIRE(text.find("1 of 12 labels") != std::string::npos);
}

TEST_CASE("answers to compare are read from lists with and without ranks, from pairs and from other rankings") {
    const AnswerSets sets = sets_in(R"({"prompt": "Q", "answers": ["a", "b", "a", "c"], "ranks": [2, 1, 2, 2]}
{"prompt": "Q", "answers": ["a", "b"]}
{"prompt": "Q", "chosen": "good", "rejected": "bad"}
{"prompt": "Q", "chosen": "rather", "rejected": "than", "probability": 0.3}
{"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "Q"}], "answers": ["x", "y"], "ranks": [1, 1]}
{"conversation_a": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "l"}], "conversation_b": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "r"}], "winner": "model_b"}
{"prompt": "Q", "answers": ["a", "a"]}
{"prompt": "Q", "answers": ["a", "b"], "ranks": [1, 2]}
)");
    REQUIRE(sets.all.size() == 6);
    REQUIRE(sets.all[0] == AnswerSet{question, {"a", "b", "c"}, {2, 1, 2}});
    REQUIRE(sets.all[1] == AnswerSet{question, {"a", "b"}, {}});
    REQUIRE(sets.all[2] == AnswerSet{question, {"good", "bad"}, {1, 2}});
    REQUIRE(sets.all[3] == AnswerSet{question, {"than", "rather"}, {1, 2}});
    REQUIRE(sets.all[4] == AnswerSet{{{"system", "S"}, {"user", "Q"}}, {"x", "y"}, {1, 1}});
    REQUIRE(sets.all[5] == AnswerSet{question, {"l", "r"}, {2, 1}});
    REQUIRE(sets.skipped_text() ==
            "skipped: 1 prompt repeated with the same answers, 1 prompt with fewer than two different answers");
    std::vector<std::tuple<size_t, size_t, size_t>> pairs;
    for (const AnswerPair& p : sets.pairs()) pairs.push_back({p.set, p.first, p.second});
    REQUIRE(pairs.size() == 3 + 5);
    REQUIRE(std::vector(pairs.begin(), pairs.begin() + 4) ==
            std::vector<std::tuple<size_t, size_t, size_t>>{{0, 0, 1}, {0, 0, 2}, {0, 1, 2}, {1, 0, 1}});
}

TEST_CASE("answers that cannot be compared are an Error with their place") {
    refused([] { sets_in(R"({"prompt": "Q"})"); }, {"a.jsonl:1", "no answers to compare"});
    refused([] { sets_in("{\"prompt\": \"Q\", \"answers\": [\"a\", \"b\"]}\nno"); }, {"a.jsonl:2"});
    refused([] { sets_in(R"({"answers": ["a", "b"]})"); }, {"a.jsonl:1", "prompt"});
    refused([] { sets_in(R"({"prompt": "Q", "answers": ["a", 5]})"); }, {"a.jsonl:1"});
    refused([] { sets_in(R"({"prompt": "Q", "answers": ["a", "b"], "ranks": [1]})"); }, {"2 answers but 1 ranks"});
    refused([] { sets_in(R"({"prompt": "Q", "answers": ["a", "b"], "ranks": [0, 1]})"); }, {"whole number from 1"});
    refused([] { sets_in(R"({"prompt": "Q", "answers": ["a"]})"); }, {"nothing to compare", "fewer than two"});
    refused([] { sets_in(""); }, {"nothing to compare", "empty"});
}
