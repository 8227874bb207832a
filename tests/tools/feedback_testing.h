#pragma once
// What the tests of gradus judge and gradus revise share: a tiny model, a served one, requests.
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/data/temporary_folder.h"
#include "tests/tools/fake_server.h"
#include "tools/feedback/judge.h"

namespace gradus::test {

inline const std::string tiny_gpt2_folder = std::string(GRADUS_ROOT) + "/tests/goldens/folders/gpt2";

inline FeedbackModel tiny_model() {
    FeedbackModel m{.name = tiny_gpt2_folder, .chat_template = "plain"};
    m.max_tokens = 6;
    return m;
}

inline FeedbackModel served(const FakeServer& server) {
    FeedbackModel m{.name = server.address()};
    m.first_wait = 0.001;
    m.seconds = 5;
    return m;
}

// The user's key while a test runs; nullptr: none.
struct Key {
    explicit Key(const char* key) {
        if (const char* const had = std::getenv("OPENAI_API_KEY")) before = had;
        if (key) ::setenv("OPENAI_API_KEY", key, 1);
        else ::unsetenv("OPENAI_API_KEY");
    }
    ~Key() {
        if (before.empty()) ::unsetenv("OPENAI_API_KEY");
        else ::setenv("OPENAI_API_KEY", before.c_str(), 1);
    }
    std::string before;
};

inline std::vector<std::string> requests_of(const FeedbackWording& w, int count) {
    std::vector<std::string> requests;
    for (int i = 0; i < count; ++i)
        requests.push_back(judge_request(w, {{"user", "question " + std::string(size_t(7 * i % 40), 'q')}},
                                         std::string(size_t(i % 9 + 1), 'a'), "the other one", {"be brief", "", ""}));
    return requests;
}

// The three lines of the Error that `run` throws.
template <class Run>
std::string refusal(Run run) {
    return error_of(run).text();
}

}  // namespace gradus::test
