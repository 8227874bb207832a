// Readers of data sets: every format, detection, conversions, bad input.
#include "align/examples/reader.h"
#include "tests/align/goldens.h"
#include "tests/data/compress.h"

using namespace gradus;

namespace {

const Conversation question = {{"user", "Q"}};
const Conversation with_system = {{"system", "S"}, {"user", "Q"}};

ExampleFile read_lines(const std::string& lines, const ReadExamples& options = {},
                       const std::optional<Needs>& needs = std::nullopt, const std::string& name = "data.jsonl") {
    const TemporaryFolder folder;
    return read_examples(folder.write(name, lines), options, needs);
}

// The only example of a line, whose format is detected as `format`.
template <class T>
T only(const std::string& format, const std::string& line) {
    INFO(line);
    const ExampleFile file = read_lines(line + "\n");
    REQUIRE(file.format == format);
    REQUIRE(file.kind == kind_for<T>);
    REQUIRE(file.examples.size() == 1);
    REQUIRE(file.places[0].ends_with("data.jsonl:1"));
    return file.at<T>(0);
}

void refused(const std::string& lines, const std::vector<std::string>& parts, const ReadExamples& options = {}) {
    const Error error = error_of([&] { read_lines(lines, options); });
    INFO(error.text());
    for (const std::string& part : parts) REQUIRE(contains(error.text(), part));
}

}  // namespace

TEST_CASE("conversations are read as messages, ShareGPT, and prompt with completion", "[examples]") {
    const Demonstration expected = {{{"system", "S"}, {"user", "Q"}, {"assistant", "A"}}};
    const std::string as_messages = R"([{"role": "system", "content": "S"}, {"role": "user", "content": "Q"})";
    const std::string parts = R"([{"type": "text", "text": "A"}])";
    REQUIRE(only<Demonstration>("messages", R"({"messages": )" + as_messages +
                                                R"(, {"role": "assistant", "content": )" + parts + "}]}") == expected);
    REQUIRE(only<Demonstration>("sharegpt",
                                R"({"conversations": [{"from": "system", "value": "S"},)"
                                R"({"from": "human", "value": "Q"}, {"from": "gpt", "value": "A"}]})") == expected);
    REQUIRE(only<Demonstration>("sharegpt", R"({"system": "S", "conversations": [{"from": "human", "value": "Q"},)"
                                            R"({"from": "gpt", "value": "A"}]})") == expected);
    REQUIRE(only<Demonstration>("prompt-completion", R"({"prompt": )" + as_messages + R"(], "completion": "A"})") ==
            expected);
    REQUIRE(only<Demonstration>("prompt-completion",
                                R"({"prompt": )" + as_messages +
                                    R"(], "completion": [{"role": "assistant", "content": "A"}]})") == expected);
    REQUIRE(only<Demonstration>("prompt-completion", R"({"prompt": "Q", "completion": "A"})").conversation ==
            Conversation{{"user", "Q"}, {"assistant", "A"}});
}

TEST_CASE("instructions with inputs are read as Alpaca and Dolly, with the heading of the template", "[examples]") {
    const std::string alpaca = R"({"instruction": "I", "input": "X", "output": "A"})";
    REQUIRE(only<Demonstration>("alpaca", alpaca).conversation == Conversation{{"user", "I\n\nX"}, {"assistant", "A"}});
    REQUIRE(only<Demonstration>("dolly", R"({"instruction": "I", "context": "X", "response": "A", "category": "c"})")
                .conversation == Conversation{{"user", "I\n\nX"}, {"assistant", "A"}});
    REQUIRE(only<Demonstration>("dolly", R"({"instruction": "I", "context": "", "response": "A"})").conversation ==
            Conversation{{"user", "I"}, {"assistant", "A"}});
    ReadExamples options;
    options.form = {"\n\n### Input:\n", "With an input."};
    REQUIRE(read_lines(alpaca, options).at<Demonstration>(0).conversation ==
            Conversation{{"system", "With an input."}, {"user", "I\n\n### Input:\nX"}, {"assistant", "A"}});
    const ExampleFile two = read_lines(
        R"({"instruction": "I", "instances": [{"input": "", "output": "A"}, {"input": "X", "output": "B"}]})");
    REQUIRE(two.examples.size() == 2);
    REQUIRE(two.at<Demonstration>(1).conversation[0].content == "I\n\nX");
}

TEST_CASE("preference pairs are read with explicit and implicit prompts, as texts, messages and transcripts",
          "[examples]") {
    const Preference expected = {question, "good", "bad", 0};
    REQUIRE(only<Preference>("preference", R"({"prompt": "Q", "chosen": "good", "rejected": "bad"})") == expected);
    const std::string q = R"({"role": "user", "content": "Q"})";
    const auto answer = [](const std::string& text) { return R"({"role": "assistant", "content": ")" + text + "\"}"; };
    const std::string whole =
        "\"chosen\": [" + q + "," + answer("good") + "], \"rejected\": [" + q + "," + answer("bad") + "]}";
    REQUIRE(only<Preference>("preference", "{" + whole) == expected);
    REQUIRE(only<Preference>("preference", R"({"prompt": "Q", )" + whole) == expected);
    REQUIRE(only<Preference>("preference", R"({"prompt": [)" + q + "], \"chosen\": [" + answer("good") +
                                               "], \"rejected\": [" + answer("bad") + "], \"margin\": 1.5}") ==
            Preference{question, "good", "bad", 1.5});
    const Preference hh =
        only<Preference>("hh", R"({"chosen": "\n\nHuman: Q\n\nAssistant: a\n\nHuman: b\n\nAssistant: good",)"
                               R"("rejected": "\n\nHuman: Q\n\nAssistant: a\n\nHuman: b\n\nAssistant: bad"})");
    REQUIRE(hh == Preference{{{"user", "Q"}, {"assistant", "a"}, {"user", "b"}}, "good", "bad", 0});
    REQUIRE(only<Preference>("preference",
                             R"({"prompt": "\n\nHuman: Q\n\nAssistant:", "chosen": "good", "rejected": "bad"})") ==
            expected);

    const ExampleFile skipped = read_lines(R"({"prompt": "Q", "chosen": "same", "rejected": "same"}
{"prompt": "Q", "chosen": "a", "rejected": "b"})");
    REQUIRE(skipped.examples.size() == 1);
    REQUIRE(skipped.skipped.at("chosen and rejected are equal") == 1);
    REQUIRE(read_lines(R"({"chosen": "\n\nHuman: Q\n\nAssistant: a", "rejected": "\n\nHuman: R\n\nAssistant: b"}
{"chosen": "\n\nHuman: Q\n\nAssistant: a", "rejected": "\n\nHuman: Q\n\nAssistant: b"})")
                .skipped.at("chosen and rejected answer different prompts") == 1);
    REQUIRE(
        read_lines(
            R"({"chosen": "\n\nHuman: Q\n\nAssistant: a\n\nAssistant: b", "rejected": "\n\nHuman: Q\n\nAssistant: b"}
{"chosen": "\n\nHuman: Q\n\nAssistant: a", "rejected": "\n\nHuman: Q\n\nAssistant: b"})")
            .skipped.at("the speakers of a transcript do not alternate") == 1);
}

TEST_CASE("a preference may have a soft label, which goes with the pair into whatever it stands for", "[examples]") {
    const std::string pair = R"({"prompt": "Q", "chosen": "good", "rejected": "bad")";
    REQUIRE(only<Preference>("preference", pair + R"(, "probability": 0.8})") ==
            Preference{question, "good", "bad", 0, 0.8});
    // The likelier answer is the chosen one.
    REQUIRE(only<Preference>("preference", pair + R"(, "probability": 0.25, "margin": 2})") ==
            Preference{question, "bad", "good", -2, 0.75});
    REQUIRE(only<Preference>("hh", R"({"chosen": "\n\nHuman: Q\n\nAssistant: good",)"
                                   R"("rejected": "\n\nHuman: Q\n\nAssistant: bad", "probability": 0.5})") ==
            Preference{question, "good", "bad", 0, 0.5});
    for (const char* label : {"1.01", "-0.1", "\"high\"", "[1]", "true"})
        refused(pair + R"(, "probability": )" + label + "}", {"data.jsonl:1", "the probability is", "from 0 to 1"});

    const auto rankings = converted(Preference{question, "good", "bad", 0, 0.8}, Kind::ranking);
    const auto& ranking = std::get<Ranking>(rankings.at(0));
    REQUIRE(ranking.answers == std::vector<std::string>{"good", "bad"});
    REQUIRE(ranking.ranks == std::vector{1, 2});
    REQUIRE(ranking.probability == 0.8);
}

TEST_CASE("rankings are read as gradus writes them and from Label Studio, Argilla and arenas", "[examples]") {
    Ranking r;
    r.prompt = question;
    r.answers = {"a", "b", "c"};
    r.ranks = {1, 2, 2};
    r.rater = "R";
    r.time = "2026-01-02T03:04:05Z";
    r.seconds = 2.5;
    r.order = {2, 0, 1};
    REQUIRE(only<Ranking>("ranking", R"({"prompt": "Q", "answers": ["a", "b", "c"], "ranks": [1, 2, 2], "rater": "R",)"
                                     R"("time": "2026-01-02T03:04:05Z", "seconds": 2.5, "order": [2, 0, 1]})") == r);
    REQUIRE(only<Ranking>("ranking", R"({"messages": [{"role": "user", "content": "Q"}], "answers": ["a", "b"],)"
                                     R"("ranks": [2, 1], "simulated": true})")
                .simulated);

    const Ranking studio = only<Ranking>(
        "label-studio",
        R"({"id": 1, "data": {"prompt": "Q", "items": [{"id": "x", "body": "A"}, {"id": "y", "body": "B"}]},)"
        R"("annotations": [{"completed_by": {"email": "r@x"}, "lead_time": 3.5, "created_at": "T", "result":)"
        R"([{"type": "ranker", "value": {"ranker": {"rank": ["y", "x"]}}}]}]})");
    REQUIRE(studio.answers == std::vector<std::string>{"A", "B"});
    REQUIRE(studio.ranks == std::vector<int>{2, 1});
    REQUIRE(studio.rater == "r@x");
    REQUIRE(studio.seconds == 3.5);
    const Ranking buckets = only<Ranking>(
        "label-studio", R"({"data": {"prompt": "Q", "items": ["A", "B", "C"]}, "annotations": [{"result":)"
                        R"([{"value": {"ranker": {"1": ["2"], "2": ["0", "1"], "_": []}}}]}]})");
    REQUIRE(buckets.ranks == std::vector<int>{2, 2, 1});
    const Ranking pairwise =
        only<Ranking>("label-studio",
                      R"({"data": {"prompt": "Q", "answer1": "A", "answer2": "B"}, "annotations": [{"completed_by": 7,)"
                      R"("result": [{"type": "pairwise", "value": {"selected": "right"}}]}]})");
    REQUIRE(pairwise.ranks == std::vector<int>{2, 1});
    REQUIRE(pairwise.rater == "7");

    const char* values[] = {R"([{"value": "y", "rank": 1}, {"value": "x", "rank": 2}, {"value": "z", "rank": 2}])",
                            R"({"value": ["y", "x", "z"], "rank": [1, 2, 2]})", R"(["y", "x", "z"])"};
    for (const std::string value : values) {
        const std::string fields = R"("prompt": "Q", "x": "X", "y": "Y", "z": "Z")";
        const std::string answers = R"([{"user_id": "u", "status": "submitted", "value": )" + value + "}]";
        const Ranking two =
            only<Ranking>("argilla", "{\"fields\": {" + fields + "}, \"responses\": {\"q\": " + answers + "}}");
        REQUIRE(two.answers == std::vector<std::string>{"Y", "X", "Z"});
        REQUIRE(two.ranks == std::vector<int>{1, 2, value[0] == '[' && value[1] == '"' ? 3 : 2});
        REQUIRE(only<Ranking>("argilla", "{" + fields + ", \"ranking\": " + answers + "}") == two);
    }

    const auto arena = [](const std::string& winner) {
        return R"({"conversation_a": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}],)"
               R"("conversation_b": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "B"}],)"
               R"("model_a": "m", "judge": "j", "winner": ")" +
               winner + "\"}\n";
    };
    REQUIRE(only<Ranking>("arena", arena("model_b")).ranks == std::vector<int>{2, 1});
    const ExampleFile ties = read_lines(arena("tie (bothbad)") + arena("model_a"));
    REQUIRE(ties.examples.size() == 1);
    REQUIRE(ties.skipped.at("all answers are ranked equal") == 1);
}

TEST_CASE("labels, prompts and plain texts are read", "[examples]") {
    REQUIRE(only<Unpaired>("unpaired", R"({"prompt": "Q", "completion": "A", "label": true})") ==
            Unpaired{question, "A", true});
    REQUIRE(only<Unpaired>("unpaired", R"({"prompt": "Q", "completion": "A", "label": 0})") ==
            Unpaired{question, "A", false});
    REQUIRE(only<Question>("prompts", R"({"prompt": "Q"})") == Question{question, ""});
    REQUIRE(only<Question>("prompts", R"({"prompt": "Q", "answer": "42"})") == Question{question, "42"});
    REQUIRE(only<Question>("prompts", R"({"question": "Q"})") == Question{question, ""});
    REQUIRE(read_lines(R"({"question": "Q", "answer": "42"})", {}, Needs{Kind::prompt, "test"}).at<Question>(0) ==
            Question{question, "42"});
    REQUIRE(only<Demonstration>("prompt-completion", R"({"question": "Q", "answer": "42"})").conversation ==
            Conversation{{"user", "Q"}, {"assistant", "42"}});
    REQUIRE(only<Question>("prompts",
                           R"({"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "Q"}]})") ==
            Question{with_system, ""});
    REQUIRE(only<PlainText>("text", R"({"text": "T", "source": "s"})") == PlainText{"T"});
}

TEST_CASE("examples stand for other kinds where that makes sense", "[examples]") {
    Ranking ranking;
    ranking.prompt = question;
    ranking.answers = {"a", "b", "c", "b"};
    ranking.ranks = {2, 1, 2, 3};
    const auto pairs = converted(ranking, Kind::preference);
    REQUIRE(pairs.size() == 4);  // a and c tie; b is there twice
    REQUIRE(std::get<Preference>(pairs[0]) == Preference{question, "b", "a", 0});
    REQUIRE(std::get<Demonstration>(converted(ranking, Kind::demonstration).at(0)).conversation.back().content == "b");

    const Preference pair = {with_system, "good", "bad", 2};
    REQUIRE(std::get<Demonstration>(converted(pair, Kind::demonstration).at(0)).conversation ==
            Conversation{{"system", "S"}, {"user", "Q"}, {"assistant", "good"}});
    REQUIRE(std::get<Ranking>(converted(pair, Kind::ranking).at(0)).ranks == std::vector<int>{1, 2});
    const auto labels = converted(pair, Kind::unpaired);
    REQUIRE(std::get<Unpaired>(labels.at(1)) == Unpaired{with_system, "bad", false});
    REQUIRE(converted(labels[1], Kind::demonstration).empty());
    REQUIRE(std::get<Question>(converted(converted(pair, Kind::demonstration)[0], Kind::prompt).at(0)).prompt ==
            with_system);
    const auto of_ranking = converted(ranking, Kind::unpaired);
    REQUIRE(of_ranking.size() == 8);  // two of each pair
    REQUIRE(std::get<Unpaired>(of_ranking[0]) == Unpaired{question, "b", true});
    REQUIRE(std::get<Unpaired>(of_ranking[1]) == Unpaired{question, "a", false});
    REQUIRE(!can_be(Kind::prompt, Kind::demonstration));
    REQUIRE(!can_be(Kind::demonstration, Kind::unpaired));
    REQUIRE(!can_be(Kind::text, Kind::demonstration));

    const ExampleFile as_demonstrations = read_lines(R"({"prompt": "Q", "completion": "A", "label": true}
{"prompt": "Q", "completion": "B", "label": false})",
                                                     {}, Needs{Kind::demonstration, "gradus sft"});
    REQUIRE(as_demonstrations.examples.size() == 1);
    REQUIRE(as_demonstrations.skipped.at("it gives no demonstrations") == 1);
}

TEST_CASE("a data set of the wrong kind is an Error that says what it holds and what is needed", "[examples]") {
    const Error error = error_of([&] {
        read_lines(R"({"instruction": "I", "output": "A"})", {}, Needs{Kind::preference, "gradus reward"});
    });
    REQUIRE(contains(error.what(), "wrong kind for gradus reward"));
    REQUIRE(contains(error.cause, "holds demonstrations (format alpaca), and gradus reward needs preference pairs"));
    REQUIRE(contains(error_of([&] {
                         read_lines(R"({"text": "T"})", {}, Needs{Kind::demonstration, "gradus sft"});
                     }).cause,
                     "plain texts"));
}

TEST_CASE("the format is the one that fits the first records, or the one that is named", "[examples]") {
    const std::string ends_with_question = R"({"messages": [{"role": "user", "content": "Q"}]})";
    const std::string ends_with_answer =
        R"({"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]})";
    refused(ends_with_question + "\n" + ends_with_answer,
            {"data.jsonl:1", "detected as messages", "message 1, the last"});
    ReadExamples named;
    named.format = "prompts";
    const std::string both = R"({"prompt": "Q", "completion": "A"})";
    REQUIRE(read_lines(both, named).kind == Kind::prompt);
    named.format = "sharegtp";
    refused(both, {"did you mean 'sharegpt'"}, named);
    refused(R"({"a": 1, "b": 2})", {"is not known", "'a', 'b'", "messages, sharegpt"});
}

TEST_CASE("a bad record is an Error with file and line, or counted", "[examples]") {
    const std::string good = R"({"prompt": "Q", "completion": "A"})";
    refused(good + "\n\n{\"prompt\": \"Q\"}\n",
            {"data.jsonl:3", "detected as prompt-completion", "no key 'completion' but 'prompt'"});
    refused(good + "\n[1]\n", {"data.jsonl:2", "an array, where an object must be"});
    refused(good + "\n{\"prompt\" 1}\n", {"data.jsonl:2:", "not JSON"});
    refused(good + "\n{\"prompt\": 5, \"completion\": \"A\"}", {"data.jsonl:2", "the prompt is a number"});
    refused(R"({"conversations": [{"from": "gpt", "value": "A"}]})",
            {"data.jsonl:1", "message 1 of 1 has the role assistant"});
    refused(R"({"messages": [{"role": "tool", "content": "x"}, {"role": "user", "content": "y"}, {"content": "A"}]})",
            {"message 3 has no role"});
    refused(R"({"prompt": "Q", "answers": ["a"], "ranks": [1]})", {"two answers or more"});
    refused(R"({"prompt": "Q", "answers": ["a", "b"], "ranks": [1]})", {"2 answers but 1 ranks"});
    refused(R"({"prompt": "Q", "answers": ["a", "b"], "ranks": [0, 1]})", {"a rank is below 1"});
    refused(R"({"prompt": "Q", "completion": "A", "label": "yes"})", {"the label is a string"});
    ReadExamples lenient;
    lenient.max_bad_lines = 2;
    const ExampleFile file = read_lines(good + "\n[1]\nnonsense\n" + good, lenient);
    REQUIRE(file.bad_lines == 2);
    REQUIRE(file.examples.size() == 2);
    REQUIRE(contains(summary_of(file), "2 demonstrations from"));
    REQUIRE(contains(summary_of(file), "2 bad lines"));
    refused(good + "\n[1]\nnonsense\n[1]\n", {"data.jsonl:4"}, lenient);
}

TEST_CASE("empty files, files without anything to learn and files in UTF-16 are Errors", "[examples]") {
    refused("", {"the file is empty"});
    refused("\n \n", {"the file is empty"});
    refused(R"({"prompt": "Q", "completion": " "})", {"no usable examples", "1 times: the answer is empty"});
    refused("[]", {"the file is empty"});
    refused("\xFF\xFE{\0", {"UTF-16", "iconv"});
    REQUIRE_THROWS_AS(read_examples("/nowhere/data.jsonl"), Error);
}

TEST_CASE("files are read from gzip, zstd and JSON arrays; ill-formed text is repaired", "[examples]") {
    const std::string line = R"({"prompt": "Q", "completion": "A"})";
    const std::string lines = line + "\r\n" + line + "\n";
    REQUIRE(read_lines(gzip(lines), {}, {}, "a.jsonl.gz").examples.size() == 2);
    REQUIRE(read_lines(zstandard(lines), {}, {}, "a.jsonl.zst").examples.size() == 2);
    const ExampleFile array = read_lines("[\n" + line + ",\n" + line + "\n]", {}, {}, "a.json");
    REQUIRE(array.examples.size() == 2);
    REQUIRE(array.places[1].ends_with("a.json[1]"));
    REQUIRE(read_lines("\xEF\xBB\xBF" + line).examples.size() == 1);
    const std::string whole = gzip(lines);
    const Error error = error_of([&] { read_lines(whole.substr(0, whole.size() - 9), {}, {}, "a.jsonl.gz"); });
    REQUIRE(contains(error.text(), "a.jsonl.gz"));

    REQUIRE(only<Demonstration>("prompt-completion",
                                "{\"prompt\": \"\xFFQ\", \"completion\": \"\\ud83d\\ud83d\\ude00 \\\\ud83d\"}")
                .conversation == Conversation{{"user", "\uFFFDQ"}, {"assistant", "\uFFFD\U0001F600 \\ud83d"}});
}

TEST_CASE("real preference pairs and instructions are read", "[examples]") {
    const fs::path data = fs::path(GRADUS_ROOT) / "../shared/data";
    if (!fs::exists(data / "prefs/hh-harmless.jsonl.gz") || !fs::exists(data / "chat/alpaca-seed-tasks.jsonl")) {
        WARN("skipped: there is no real data at " << data);
        return;
    }
    const ExampleFile pairs = read_examples(data / "prefs/hh-harmless.jsonl.gz", {}, Needs{Kind::preference, "test"});
    REQUIRE(pairs.format == "hh");
    REQUIRE(pairs.records == 1156);
    int64_t skipped = 0;
    for (const auto& [reason, n] : pairs.skipped) skipped += n;
    REQUIRE(int64_t(pairs.examples.size()) + skipped == 1156);
    REQUIRE(skipped < 20);
    const ExampleFile tasks =
        read_examples(data / "chat/alpaca-seed-tasks.jsonl", {}, Needs{Kind::demonstration, "test"});
    REQUIRE(tasks.format == "alpaca");
    REQUIRE(tasks.examples.size() >= 175);
}
