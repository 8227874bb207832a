// Collecting rankings from people: align/collect/.
#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

#include "align/collect/candidates.h"
#include "align/collect/model_comparison.h"
#include "align/collect/ranking_file.h"
#include "align/collect/rater_report.h"
#include "align/collect/session.h"
#include "align/collect/typed_ranks.h"
#include "align/examples/reader.h"
#include "tests/data/temporary_folder.h"

using namespace gradus;

namespace {

Conversation asked(const std::string& text) { return {{"user", text}}; }

std::vector<Candidates> some_candidates(int n, int answers = 3) {
    CandidateList list;
    for (int i = 0; i < n; ++i) {
        std::vector<std::string> texts;
        for (int k = 0; k < answers; ++k) texts.push_back("answer " + std::to_string(k) + " to " + std::to_string(i));
        list.add(asked("prompt " + std::to_string(i)), texts);
    }
    return list.all();
}

Ranking some_ranking(const std::string& rater, const std::string& prompt, std::vector<int> ranks) {
    Ranking r;
    r.prompt = asked(prompt);
    for (size_t i = 0; i < ranks.size(); ++i) r.answers.push_back("answer " + std::to_string(i));
    r.ranks = std::move(ranks);
    r.rater = rater;
    r.time = "2026-01-02T03:04:05Z";
    r.seconds = 2.5;
    return r;
}

// Lets a rater judge up to `most` prompts, the first answer shown as the best. Returns them in order.
std::vector<size_t> judge(Session& session, const std::string& rater, size_t most = 1000) {
    std::vector<size_t> judged;
    while (judged.size() < most) {
        const std::optional<Shown> shown = session.next(rater, 0);
        if (!shown) break;
        session.record(rater, shown->prompt);
        judged.push_back(shown->prompt);
    }
    return judged;
}

}  // namespace

TEST_CASE("a ranking that was collected reads back as the format of rankings") {
    const TemporaryFolder folder;
    Ranking simple = some_ranking("ada", "Q", {2, 1, 2});
    simple.order = {2, 0, 1};
    Ranking compared = some_ranking("di", "Q", {2, 1});
    compared.models = {"runs/sft", "runs/ppo"};
    Ranking talk = some_ranking("ben", "Q", {1, 2});
    talk.prompt = {{"system", "S"}, {"user", "A"}, {"assistant", "B"}, {"user", "line\n\"quoted\" \u00e9"}};
    talk.simulated = true;
    Ranking transcript = some_ranking("cy", "\n\nHuman: not a transcript\n\nAssistant:", {1, 2});
    {
        RankingFile file(folder / "r.jsonl");
        for (const Ranking& r : {simple, talk, transcript, compared}) file.append(r);
        REQUIRE(file.rankings().size() == 4);
    }
    REQUIRE(read_rankings(folder / "r.jsonl") == std::vector<Ranking>{simple, talk, transcript, compared});
    const ExampleFile read = read_examples(folder / "r.jsonl");
    REQUIRE(read.format == "ranking");
    REQUIRE(read.examples.size() == 4);
    REQUIRE(read.at<Ranking>(0) == simple);
    REQUIRE(read.at<Ranking>(1) == talk);
    REQUIRE(read.at<Ranking>(2) == transcript);
    REQUIRE(read.at<Ranking>(3) == compared);
    REQUIRE(line_of(simple) ==
            R"({"prompt":"Q","answers":["answer 0","answer 1","answer 2"],"ranks":[2,1,2],"rater":"ada",)"
            R"("time":"2026-01-02T03:04:05Z","seconds":2.5,"order":[2,0,1]})");
}

TEST_CASE("a kill in the middle of a write loses no earlier ranking, and the next ranking is a line of its own") {
    const TemporaryFolder folder;
    const Ranking first = some_ranking("ada", "Q1", {1, 2}), second = some_ranking("ada", "Q2 \u00e9", {2, 1}),
                  third = some_ranking("ada", "Q3", {1, 1});
    const std::string before = line_of(first) + "\n", line = line_of(second) + "\n";
    const size_t accent = line.find("\u00e9"), all = line.size();
    for (size_t written : {size_t(0), size_t(1), accent, accent + 1, all / 2, all - 2, all - 1, all}) {
        const fs::path path = folder.write("r.jsonl", before + line.substr(0, written));
        const bool is_complete = written + 1 >= line.size();  // its line end may be missing
        {
            RankingFile file(path);
            REQUIRE(file.rankings().size() == (is_complete ? 2 : 1));
            file.append(third);
        }
        REQUIRE(read_file(path) == before + (is_complete ? line : "") + line_of(third) + "\n");
    }
}

TEST_CASE("a file of rankings with a bad line is refused with its place, and is not changed") {
    const TemporaryFolder folder;
    const std::string good = line_of(some_ranking("ada", "Q", {1, 2}));
    for (const std::string bad : {R"({"prompt": "Q", "answers": ["a", "b"], "ranks": [1]})", R"({"prompt": "Q"})",
                                  R"({"prompt": "Q", "answers": ["a", "b"], "ranks": [1, "x"]})", "[1]", "{broken"}) {
        const fs::path path = folder.write("r.jsonl", good + "\n" + bad + "\n" + good + "\n");
        const std::string before = read_file(path);
        const Error error = error_of([&] { RankingFile file(path); });
        REQUIRE(error.text().find("r.jsonl:2") != std::string::npos);
        REQUIRE(read_file(path) == before);
    }
}

TEST_CASE("two programs cannot collect in one file, and one that collects nothing leaves no file") {
    const TemporaryFolder folder;
    {
        RankingFile file(folder / "r.jsonl");
        REQUIRE(std::string(error_of([&] { RankingFile other(folder / "r.jsonl"); }).what()).find("another program") ==
                0);
        REQUIRE(fs::exists(folder / "r.jsonl"));
    }
    REQUIRE_FALSE(fs::exists(folder / "r.jsonl"));
    REQUIRE(error_of([&] { RankingFile file(folder / "absent" / "r.jsonl"); }).text().find("absent") !=
            std::string::npos);
}

TEST_CASE("answers are shuffled for each rater and prompt, and ranks find their way back") {
    const RankSchedule schedule{.seed = 3};
    std::set<std::vector<int>> orders;
    for (const std::string rater : {"ada", "ben"})
        for (uint64_t prompt = 0; prompt < 20; ++prompt) {
            const std::vector<int> order = schedule.order_of_answers(rater, prompt, 4);
            REQUIRE(order == schedule.order_of_answers(rater, prompt, 4));
            std::vector<int> sorted = order;
            std::sort(sorted.begin(), sorted.end());
            REQUIRE(sorted == std::vector<int>{0, 1, 2, 3});
            orders.insert(order);
            const std::vector<int> shown = {2, 1, 1, 3}, ranks = ranks_of_answers(shown, order);
            for (size_t i = 0; i < 4; ++i) REQUIRE(ranks[size_t(order[i])] == shown[i]);
        }
    REQUIRE(orders.size() > 10);
    // Every answer is first about equally often: of 400 orders of 4, 100 ± 3.5σ.
    int first[4] = {};
    for (uint64_t prompt = 0; prompt < 400; ++prompt) ++first[schedule.order_of_answers("ada", prompt, 4)[0]];
    for (int times : first) REQUIRE(std::abs(times - 100) < 31);
}

TEST_CASE("the share of overlap is exact and spread evenly") {
    for (double overlap : {0.0, 0.1, 0.29, 0.5, 1.0}) {
        const RankSchedule schedule{.overlap = overlap};
        int shared = 0;
        for (size_t place = 0; place < 100; ++place) {
            shared += schedule.is_shared(place);
            REQUIRE(std::abs(shared - double(place + 1) * overlap) < 1);
        }
        REQUIRE(shared == int(100 * overlap + 0.5));
    }
    std::vector<size_t> order = RankSchedule{}.order_of_prompts(50);
    REQUIRE(order != RankSchedule{.seed = 2}.order_of_prompts(50));
    std::sort(order.begin(), order.end());
    for (size_t i = 0; i < 50; ++i) REQUIRE(order[i] == i);
}

TEST_CASE("raters share the overlapping prompts and divide the others") {
    Session session(some_candidates(20), {}, {.seed = 1, .overlap = 0.3});
    const std::vector<size_t> ada = judge(session, "ada", 8);
    std::vector<size_t> ben = judge(session, "ben");
    const std::vector<size_t> rest = judge(session, "ada");
    std::set<size_t> all(ada.begin(), ada.end()), common;
    all.insert(rest.begin(), rest.end());
    for (size_t prompt : ben)
        if (!all.insert(prompt).second) common.insert(prompt);
    REQUIRE(all.size() == 20);
    REQUIRE(common.size() == 6);
    REQUIRE(session.progress("ada", 0).left == 0);
    REQUIRE(session.progress("ben", 0).judged == int64_t(ben.size()));
    REQUIRE(judge(session, "cleo").size() == 6);  // who comes late has the shared ones
}

TEST_CASE("a prompt that one rater is looking at is not shown to another, unless that rater is gone") {
    Session session(some_candidates(2), {}, {.seed = 1, .overlap = 0});
    REQUIRE(session.seats().take("ada", "a", "", 0).empty());
    const size_t of_ada = session.next("ada", 0)->prompt;
    REQUIRE(session.next("ada", 1)->prompt == of_ada);
    REQUIRE(session.next("ben", 1)->prompt != of_ada);
    session.record("ben", session.next("ben", 1)->prompt);
    REQUIRE_FALSE(session.next("ben", 1));
    REQUIRE(session.progress("ben", 1).left == 0);
    session.seats().leave("ada", "a");
    REQUIRE(session.next("ben", 1)->prompt == of_ada);
    session.record("ben", of_ada);
    REQUIRE_FALSE(session.next("ada", 2));
}

TEST_CASE("a resumed session asks only what is left, with the same order of answers") {
    const std::vector<Candidates> all = some_candidates(6);
    const RankSchedule schedule{.seed = 5, .overlap = 0.5};
    std::vector<Ranking> written;
    Session session(all, written, schedule);
    for (const std::string rater : {"ada", "ben", "ada"}) {
        const Shown shown = *session.next(rater, 10);
        written.push_back(session.ranking(rater, shown.prompt, std::vector<int>{3, 1, 1}, 14.5, "now"));
        session.record(rater, shown.prompt);
        REQUIRE(written.back().seconds == 4.5);
        REQUIRE(written.back().order == shown.order);
        REQUIRE(written.back().ranks[size_t(shown.order[0])] == 2);
        REQUIRE(written.back().ranks[size_t(shown.order[2])] == 1);
    }
    written.push_back(some_ranking("ada", "of another file", {1, 2}));
    Session resumed(all, written, schedule);
    for (const std::string rater : {"ada", "ben", "new"}) {
        const std::optional<Shown> was = session.next(rater, 0), is = resumed.next(rater, 0);
        REQUIRE(was.has_value() == is.has_value());
        if (!was) continue;
        REQUIRE(was->prompt == is->prompt);
        REQUIRE(was->order == is->order);
    }
    REQUIRE(resumed.progress("ada", 0).judged == 2);
    REQUIRE(judge(resumed, "ada") == judge(session, "ada"));
}

TEST_CASE("ranks are checked, and gaps between them closed") {
    REQUIRE(problem_of_ranks(std::vector<int>{1, 2, 2}, 3).empty());
    REQUIRE(problem_of_ranks(std::vector<int>{3, 3, 3}, 3).empty());
    REQUIRE_FALSE(problem_of_ranks(std::vector<int>{1, 2}, 3).empty());
    REQUIRE_FALSE(problem_of_ranks(std::vector<int>{0, 1, 2}, 3).empty());
    REQUIRE_FALSE(problem_of_ranks(std::vector<int>{1, 2, 4}, 3).empty());
    REQUIRE_FALSE(problem_of_ranks({}, 3).empty());
    REQUIRE(without_gaps(std::vector<int>{3, 1, 1}) == std::vector<int>{2, 1, 1});
    REQUIRE(without_gaps(std::vector<int>{2, 2}) == std::vector<int>{1, 1});
    const Session session(some_candidates(1), {}, {});
    REQUIRE(session.problem_of(0, std::vector<int>{1, 2, 3}).empty());
    REQUIRE_FALSE(session.problem_of(0, std::vector<int>{1, 2, 3, 4}).empty());
    REQUIRE_FALSE(session.problem_of(1, std::vector<int>{1, 2, 3}).empty());
}

TEST_CASE("typed ranks name every answer once, from the best to the worst") {
    REQUIRE(ranks_from_text("2 1=3", 3).ranks == std::vector<int>{2, 1, 2});
    REQUIRE(ranks_from_text(" 2>1 = 3 \r", 3).ranks == std::vector<int>{2, 1, 2});
    REQUIRE(ranks_from_text("1=2=3", 3).ranks == std::vector<int>{1, 1, 1});
    REQUIRE(ranks_from_text("12,1,2,3,4,5,6,7,8,9,10,11", 12).ranks[11] == 1);
    for (const char* bad : {"", "1 2", "1 2 3 4", "1 1 2", "0 1 2", "= 1 2 3", "1 == 2 3", "1 2 3 =", "a b c", "1 2 -3",
                            "9999999999999999999 1 2", "1 2 3;"}) {
        CAPTURE(bad);
        REQUIRE_FALSE(ranks_from_text(bad, 3).problem.empty());
    }
}

TEST_CASE("a name is held by one page at a time, and its last page may take it again") {
    Seats seats;
    REQUIRE(seats.take("ada", "1", "", 0).empty());
    REQUIRE(seats.take("ada", "2", "", 1).find("'ada' is at work in another page") == 0);
    REQUIRE(seats.take("ben", "3", "", 1).empty());
    REQUIRE(seats.holds("ada", "1", 100));
    REQUIRE_FALSE(seats.take("ada", "2", "", 100 + Seats::silence - 1).empty());
    REQUIRE(seats.take("ada", "4", "1", 100).empty());  // loaded again
    REQUIRE_FALSE(seats.holds("ada", "1", 101));        // the copy that was left open
    REQUIRE(seats.take("ada", "5", "", 100 + Seats::silence).empty());
    seats.leave("ada", "4");
    REQUIRE(seats.holds("ada", "5", 300));
    seats.leave("ada", "5");
    REQUIRE(seats.take("ada", "6", "", 301).empty());
    for (const std::string& bad :
         {std::string(), std::string(" ada"), std::string("a\nb"), std::string("\xff"), std::string(101, 'a')})
        REQUIRE_FALSE(problem_of_rater(bad).empty());
    REQUIRE(problem_of_rater("Ada Lovelace \u00e9").empty());
}

TEST_CASE("answers that are equal are asked once, and a prompt without two different ones is skipped") {
    const TemporaryFolder folder;
    const fs::path path = folder.write("a.jsonl", R"({"prompt": "Q", "answers": ["a", "b", "a"]}
{"messages": [{"role": "user", "content": "same"}], "answers": ["a", "a"]}
{"prompt": "Q", "answers": ["a", "b"]}
{"prompt": "Q", "answers": ["b", "a"]}
{"prompt": "none", "answers": []}
)");
    const CandidateList list = read_candidates(path);
    REQUIRE(list.all() == std::vector<Candidates>{{asked("Q"), {"a", "b"}}, {asked("Q"), {"b", "a"}}});
    REQUIRE(list.skipped() ==
            "skipped: 1 prompt repeated with the same answers, 1 prompt whose answers are all equal, "
            "1 prompt without answers");
    for (const char* bad :
         {R"({"prompt": "Q"})", R"({"answers": ["a", "b"]})", R"({"prompt": "Q", "answers": "a"})", "x"}) {
        const Error error = error_of([&] { read_candidates(folder.write("b.jsonl", bad)); });
        REQUIRE(error.text().find("b.jsonl:1") != std::string::npos);
    }
    const Error nothing = error_of([&] {
        const fs::path equal = folder.write("c.jsonl", R"({"prompt": "Q", "answers": ["a", "a"]})");
        require_candidates(read_candidates(equal), equal);
    });
    REQUIRE(nothing.cause == "skipped: 1 prompt whose answers are all equal");
}

TEST_CASE("the report has what each rater did and how far raters agree") {
    std::vector<Ranking> rankings;
    for (int i = 0; i < 4; ++i) {
        const std::string prompt = "Q" + std::to_string(i);
        rankings.push_back(some_ranking("ada", prompt, {1, 2, 3}));
        rankings.push_back(some_ranking("ben", prompt, i == 0 ? std::vector<int>{1, 2, 2} : std::vector<int>{1, 2, 3}));
    }
    rankings.push_back(some_ranking("ben", "alone", {1, 1, 1}));
    rankings.push_back(some_ranking("ada", "Q0", {3, 2, 1}));  // changes an earlier one
    rankings.back().seconds = 9;
    const RankingReport report = report_of(rankings);
    REQUIRE(report.rankings == 9);
    REQUIRE(report.prompts == 5);
    REQUIRE(report.shared_prompts == 4);
    REQUIRE(report.raters[0].rater == "ada");
    REQUIRE(report.raters[0].rankings == 4);
    REQUIRE(report.raters[0].seconds == 2.5);
    REQUIRE(report.raters[0].ties == 0);
    REQUIRE(report.raters[1].ties == 4.0 / 15);
    REQUIRE(report.agreements.size() == 1);
    REQUIRE(report.agreements[0].pairs == 12);
    // ada says −1 nine times and 1 three times; ben −1 eleven times and 0 once; they agree on nine:
    // κ = (9/12 − 99/144)/(1 − 99/144) = 0.2.
    REQUIRE(std::abs(*report.agreements[0].kappa - 0.2) < 1e-12);
    REQUIRE(*report.alpha < 1);
    REQUIRE(text_of(report).find("ada, ben: Cohen's kappa 0.20 (4 prompts, 12 pairs of answers)") != std::string::npos);
    REQUIRE(text_of(report_of(std::vector<Ranking>(1, rankings[0]))).find("agree") == std::string::npos);
    REQUIRE(report_of({}).rankings == 0);
}

TEST_CASE("models whose answers were ranked side by side are compared pair by pair") {
    Ranking r = some_ranking("ada", "Q", {2, 1, 1, 3});
    r.models = {"a", "b", "a", "b"};
    // b against a: 1 before 2 (better), 1 and 1 (tie), 3 after 2 and 1 (worse twice).
    const std::vector<ModelComparison> compared =
        compared_models(std::vector<Ranking>{r, some_ranking("ben", "Q", {1, 2})});
    REQUIRE(compared.size() == 1);
    REQUIRE(compared[0].one == "a");
    REQUIRE(compared[0].other == "b");
    REQUIRE(compared[0].preferred.right == 1);
    REQUIRE(compared[0].preferred.all == 3);
    REQUIRE(compared[0].preferred.ties == 1);
    REQUIRE(text_of(compared).starts_with("'b' is preferred to 'a' in 33% ("));
    REQUIRE(compared_models(std::vector<Ranking>{some_ranking("ben", "Q", {1, 2})}).empty());
}

TEST_CASE("of equal answers the author of the first counts, and a list with too few authors is refused") {
    CandidateList list;
    list.add(asked("Q"), {"x", "y", "x"}, {"a", "b", "b"});
    REQUIRE(list.all()[0].answers == std::vector<std::string>{"x", "y"});
    REQUIRE(list.all()[0].models == std::vector<std::string>{"a", "b"});
    const TemporaryFolder folder;
    const fs::path short_list = folder.write("a.jsonl", R"({"prompt": "Q", "answers": ["x", "y"], "models": ["a"]})"
                                                        "\n");
    REQUIRE_THROWS_WITH(read_candidates(short_list), Catch::Contains("bad answers"));
}
