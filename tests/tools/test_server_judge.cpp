// A judge that is a server with OpenAI's interface: what it is sent, what is read of its replies, what may go wrong.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

#include "tests/tools/feedback_testing.h"
#include "tools/feedback/server_judge.h"

using namespace gradus;
using namespace gradus::test;
using Json = nlohmann::json;

TEST_CASE("a server is asked through either endpoint, and its labels are read from either form of reply") {
    const Key key("secret-of-the-user");
    FakeServer server;
    for (const char* endpoint : {"chat", "completions"}) {
        FeedbackModel m = served(server);
        m.endpoint = endpoint;
        const FeedbackWording w;
        ServerJudge judge(m, w);
        const auto requests = requests_of(w, 9);
        const auto found = judge.compare(requests);
        for (size_t i = 0; i < requests.size(); ++i)
            REQUIRE(found[i]->first() == Approx(1 / (1 + std::exp(-server.log_odds(requests[i])))));
    }
    REQUIRE(server.authorization() == "Bearer secret-of-the-user");
    const Json chat = server.bodies().front(), completions = server.bodies().back();
    REQUIRE(
        (chat["model"] == "tiny" && chat["logprobs"] == true && chat["top_logprobs"] == 20 && chat["max_tokens"] == 1));
    REQUIRE((completions["logprobs"] == 5 &&
             completions["prompt"].get<std::string>().ends_with("\n\nThe better answer is (")));
}

TEST_CASE("a server's model is named where it has several") {
    const Key key(nullptr);
    FakeServer server;
    server.models = R"({"data": [{"id": "one"}, {"id": "two"}]})";
    FeedbackModel m = served(server);
    const std::string text = refusal([&] { ServerJudge(m, {}); });
    REQUIRE_THAT(text, Catch::Contains("one, two") && Catch::Contains("--judge-model"));
    m.served = "two";
    ServerJudge judge(m, {});
    judge.compare(requests_of({}, 1));
    REQUIRE(server.bodies().back()["model"] == "two");
    REQUIRE(server.authorization().empty());
}

TEST_CASE("a server that is busy or breaks down for a moment is asked again") {
    const Key key(nullptr);
    FakeServer server;
    server.refuse = [](int number, httplib::Response& r) {
        if (number % 4 == 3) return false;
        r.status = number % 2 ? 503 : 429;
        r.set_header("Retry-After", "0");
        return true;
    };
    FeedbackModel m = served(server);
    m.requests = 1;
    ServerJudge judge(m, {});
    REQUIRE(judge.compare(requests_of({}, 3)).size() == 3);
    REQUIRE(server.requests == 12);
}

TEST_CASE("a server that refuses, is silent or replies something else is an Error of three lines without the key") {
    const Key key("secret-of-the-user");
    struct Wrong {
        int status;
        std::string body;
        std::vector<std::string> parts;
        int requests = 1;
    };
    const Wrong all[] = {
        {401, R"({"error": {"message": "bad key secret-of-the-user"}})", {"status 401: bad key …", "OPENAI_API_KEY"}},
        {404, "no such page", {"status 404: no such page", "--judge-model"}},
        {400, R"({"error": "logprobs are off"})", {"status 400: logprobs are off"}},
        {301, "", {"status 301"}},
        {500, "", {"status 500", "(4 times)", "the same command continues"}, 4},
        {429, "slow down", {"status 429: slow down", "(4 times)"}, 4},
        {200, "<html>", {"not JSON"}},
        {200, "[1]", {"choices is missing"}},
        {200, R"({"choices": []})", {"choices is missing"}},
        {200, R"({"choices": [{"text": "A"}]})", {"logprobs is missing", "--endpoint completions"}},
        {200, R"({"choices": [{"logprobs": null}]})", {"logprobs is missing"}},
        {200, R"({"choices": [{"logprobs": {"content": []}}]})", {"no top_logprobs"}},
        {200,
         R"({"choices": [{"logprobs": {"content": [{"top_logprobs": [{"token": "A", "logprob": 3}]}]}}]})",
         {"not a log-probability"}},
        {200,
         R"({"choices": [{"logprobs": {"content": [{"top_logprobs": [{"token": 5, "logprob": -3}]}]}}]})",
         {"not a log-probability"}},
        {200, std::string(17 << 20, ' '), {"longer than 16 MiB"}},
    };
    for (const Wrong& wrong : all) {
        FakeServer server;
        server.refuse = [&](int, httplib::Response& r) {
            r.status = wrong.status;
            r.set_content(wrong.body, "application/json");
            return true;
        };
        ServerJudge judge(served(server), {});
        const std::string text = refusal([&] { judge.compare(requests_of({}, 1)); });
        INFO(text);
        for (const std::string& part : wrong.parts) REQUIRE(text.find(part) != std::string::npos);
        REQUIRE(text.find("secret") == std::string::npos);
        REQUIRE(std::count(text.begin(), text.end(), '\n') == 2);
        REQUIRE(server.requests == wrong.requests);
    }
}

TEST_CASE("a server that does not answer in time, or is not there, is an Error") {
    const Key key(nullptr);
    FeedbackModel gone;
    {
        FakeServer server;
        server.refuse = [](int, httplib::Response&) {
            std::this_thread::sleep_for(std::chrono::milliseconds(700));
            return false;
        };
        FeedbackModel m = served(server);
        m.seconds = 0.1;
        ServerJudge judge(m, {});
        REQUIRE_THAT(refusal([&] { judge.compare(requests_of({}, 1)); }),
                     Catch::Contains("cannot be reached") && Catch::Contains("4 times"));
        gone = m;
        m.name = "https" + server.address().substr(4);
        REQUIRE_THAT(refusal([&] { ServerJudge(m, {}); }), Catch::Contains("cannot be reached"));
    }
    REQUIRE_THAT(refusal([&] { ServerJudge(gone, {}); }),
                 Catch::Contains("cannot be reached") && Catch::Contains("the same command continues"));
}

TEST_CASE("addresses of servers: what they must be, and what is made of them") {
    const auto is = [](const std::string& text, const std::string& origin, const std::string& path) {
        const ServerAddress a = parse_address(text);
        return a.origin == origin && a.path == path;
    };
    REQUIRE(is("http://h:80/v1", "http://h:80", "/v1"));
    REQUIRE(is("http://h:80", "http://h:80", "/v1"));
    REQUIRE(is("https://h/api/v1/", "https://h", "/api/v1"));
    REQUIRE(is("http://h/", "http://h", ""));
    for (const char* wrong : {"ftp://h", "http:///v1", "h:80", "http://user:password@h/v1"}) {
        const std::string text = refusal([&] { parse_address(wrong); });
        INFO(text);
        REQUIRE_THAT(text, Catch::Contains("address") && !Catch::Contains("password@"));
    }
    const Key key("two words");
    REQUIRE_THAT(refusal([] { ServerJudge({.name = "http://127.0.0.1:1/v1"}, {}); }),
                 Catch::Contains("OPENAI_API_KEY") && !Catch::Contains("two words"));
}
