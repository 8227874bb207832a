#pragma once
// A server with OpenAI's interface on this machine, which says what a test tells it to.
//
// Its judge likes the longer of the two answers in a request, and what is shown first a little:
// log p(A) − log p(B) = (length of A − length of B)/4 + bias.
#include <httplib.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

namespace gradus::test {

class FakeServer {
public:
    using Json = nlohmann::json;

    FakeServer() {
        server_.Get("/v1/models", [this](const httplib::Request& q, httplib::Response& r) { answer(q, r, models); });
        server_.Post("/v1/(.*)", [this](const httplib::Request& q, httplib::Response& r) {
            const int number = requests++;
            {
                const std::lock_guard lock(mutex_);
                bodies_.push_back(Json::parse(q.body));
            }
            if (refuse && refuse(number, r)) return;
            answer(q, r, reply ? reply(Json::parse(q.body)) : usual_reply(q.path, Json::parse(q.body)).dump());
        });
        server_.set_keep_alive_timeout(1);
        port_ = server_.bind_to_any_port("127.0.0.1");
        thread_ = std::thread([this] { server_.listen_after_bind(); });
        while (!server_.is_running()) std::this_thread::yield();
    }
    ~FakeServer() {
        server_.stop();
        thread_.join();
    }

    std::string address() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }
    std::vector<Json> bodies() const {
        const std::lock_guard lock(mutex_);
        return bodies_;
    }
    std::string authorization() const {
        const std::lock_guard lock(mutex_);
        return authorization_;
    }

    // Set before the first request.
    std::string models = R"({"data": [{"id": "tiny"}]})";
    double bias = 0.25;
    std::function<bool(int number, httplib::Response&)> refuse;  // true: it has answered instead
    std::function<std::string(const Json& body)> reply;          // instead of the usual one
    std::atomic<int> requests = 0;

    // The two answers of the usual wording, "(A) …" and "(B) …".
    double log_odds(const std::string& request) const {
        const auto length = [&](const std::string& from, const std::string& to) {
            const size_t first = request.find(from) + from.size();
            return double(request.find(to, first) - first);
        };
        return (length("(A) ", "\n\n(B) ") - length("(B) ", "\n\nPrinciple")) / 4 + bias;
    }

private:
    void answer(const httplib::Request& q, httplib::Response& r, const std::string& json) {
        {
            const std::lock_guard lock(mutex_);
            authorization_ = q.get_header_value("Authorization");
        }
        r.set_content(json, "application/json");
    }

    Json usual_reply(const std::string& path, const Json& body) const {
        if (path == "/v1/completions") {
            const double odds = log_odds(body["prompt"]);
            return {
                {"choices", {{{"logprobs", {{"top_logprobs", {{{" A", -2 + odds / 2}, {" B", -2 - odds / 2}}}}}}}}}};
        }
        const std::string request = body["messages"].back()["content"];
        if (!body.value("logprobs", false))
            return {{"choices", {{{"message", {{"role", "assistant"}, {"content", "to " + request + "\n"}}}}}}};
        const double odds = log_odds(request);
        const auto token = [](const char* text, double p) { return Json{{"token", text}, {"logprob", p}}; };
        return {{"choices",
                 {{{"logprobs",
                    {{"content",
                      {{{"token", "A"},
                        {"top_logprobs", Json::array({token("A", -2 + odds / 2), token("B", -2 - odds / 2),
                                                      token("The", -9)})}}}}}}}}}};
    }

    httplib::Server server_;
    std::thread thread_;
    int port_ = 0;
    mutable std::mutex mutex_;
    std::vector<Json> bodies_;
    std::string authorization_;
};

}  // namespace gradus::test
