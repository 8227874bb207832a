#include "tools/feedback/server_client.h"

#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "engine/base/json_text.h"
#include "engine/base/one_line.h"
#include "engine/base/signals.h"

namespace gradus {

namespace {

std::string text_of(httplib::Error error) {
    if (error == httplib::Error::Connection) return "no connection: nothing listens at that address";
    if (error == httplib::Error::Read) return "the connection broke, or there was no reply in time (--timeout)";
    return httplib::to_string(error);
}

constexpr size_t longest_reply = size_t(16) << 20;
constexpr int times_again = 3;
constexpr double longest_wait = 60;
constexpr double connect_seconds = 10;
const char* const key_variable = "OPENAI_API_KEY";

std::string key_of_user() {
    const char* const key = std::getenv(key_variable);
    const std::string text = key ? key : "";
    if (!std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; }))
        throw Error(fmt::format("the key in {} cannot be sent", key_variable),
                    "it has white space or characters beyond ASCII", fmt::format("export {}=KEY", key_variable));
    return text;
}

bool may_pass(int status) { return status == 408 || status == 429 || (status >= 500 && status < 600); }

// Waits, but for no longer than until the user wants to stop.
void wait(double seconds) {
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + std::chrono::duration<double>(seconds);
    while (Clock::now() < end && !stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

// What a refusal says: {"error": {"message": …}}, or the beginning of whatever it is.
std::string reason_in(const std::string& body) {
    const JsonText json = try_parse_json(body, JsonKeys::any);
    std::string reason = body;
    if (json.problem.empty() && json.value.is_object()) {
        const nlohmann::json error = json.value.value("error", nlohmann::json());
        if (error.is_string()) reason = error.get<std::string>();
        if (error.is_object() && error.contains("message") && error["message"].is_string())
            reason = error["message"].get<std::string>();
    }
    return reason;
}

}  // namespace

ServerAddress parse_address(const std::string& address) {
    const auto refuse = [&](const std::string& cause) {
        return Error("'" + address + "' is not the address of a server", cause, "http://127.0.0.1:8000/v1");
    };
    const size_t scheme = address.find("://"), host = scheme + 3;
    if (scheme == std::string::npos || (address.compare(0, host, "http://") && address.compare(0, host, "https://")))
        throw refuse("it begins with neither http:// nor https://");
    const size_t path = std::min(address.find('/', host), address.size());
    if (path == host) throw refuse("it has no host");
    if (const size_t at = address.find('@'); at < path)
        throw Error("the address of the server has a name or a password in it", "addresses are saved and shown",
                    fmt::format("leave it out; a key belongs in the environment variable {}", key_variable));
    ServerAddress a{address.substr(0, path), address.substr(path)};
    while (a.path.ends_with('/')) a.path.pop_back();
    if (path == address.size()) a.path = "/v1";
    return a;
}

// Of one exchange: the status and text of a reply, or why there is none.
struct ServerClient::Reply {
    int status = 0;
    std::string body, problem;
    bool again = false;  // whether another attempt may help
    double wait = 0;     // seconds that the server asks for
};

ServerClient::ServerClient(const FeedbackModel& m)
    : options_(m),
      address_(parse_address(m.name)),
      key_(key_of_user()),
      model_(m.served.empty() ? the_only_model() : m.served) {}

ServerClient::Reply ServerClient::send(const std::string& method, const std::string& name,
                                       const std::string& body) const {
    // A connection for each request: threads share nothing.
    httplib::Client client(address_.origin);
    if (!client.is_valid())
        throw Error("the server '" + options_.name + "' cannot be asked",
                    "its address is not understood, or this build has no TLS", "http://HOST:PORT/v1");
    client.set_connection_timeout(
        std::chrono::milliseconds(int64_t(1e3 * std::min(connect_seconds, options_.seconds))));
    client.set_read_timeout(std::chrono::milliseconds(int64_t(1e3 * options_.seconds)));
    client.set_write_timeout(std::chrono::milliseconds(int64_t(1e3 * options_.seconds)));
    client.set_tcp_nodelay(true);
    httplib::Request request;
    request.method = method;
    request.path = address_.path + name;
    request.body = body;
    if (!body.empty()) request.set_header("Content-Type", "application/json");
    if (!key_.empty()) request.set_header("Authorization", "Bearer " + key_);
    Reply reply;
    bool too_long = false;
    request.content_receiver = [&](const char* data, size_t size, uint64_t, uint64_t) {
        too_long = reply.body.size() + size > longest_reply;
        if (!too_long) reply.body.append(data, size);
        return !too_long;
    };
    const httplib::Result result = client.send(request);
    if (!result) {
        reply.problem = too_long ? "the reply is longer than 16 MiB" : text_of(result.error());
        reply.again = result.error() == httplib::Error::Read || result.error() == httplib::Error::Write ||
                      result.error() == httplib::Error::ConnectionTimeout;
        return reply;
    }
    reply.status = result->status;
    if (reply.body.empty()) reply.body = result->body;
    reply.again = may_pass(reply.status);
    reply.wait = std::atof(result->get_header_value("Retry-After").c_str());
    return reply;
}

nlohmann::json ServerClient::exchange(const std::string& method, const std::string& name,
                                      const std::string& body) const {
    Reply reply;
    double pause = options_.first_wait;
    int sent = 0;
    do {
        if (sent > 0) {
            wait(std::min(longest_wait, std::max(pause, reply.wait)));
            pause *= 2;
        }
        reply = send(method, name, body);
        ++sent;
    } while (reply.again && sent <= times_again && !stop_requested());
    const std::string times = sent > 1 ? fmt::format(" ({} times)", sent) : "";
    if (reply.status == 0)
        throw Error("the server '" + options_.name + "' cannot be reached",
                    without_key(on_one_line(reply.problem)) + times,
                    "start it or correct the address; what is done is kept, and the same command continues");
    if (reply.status != 200)
        throw Error(fmt::format("the server '{}' refused {}{}", options_.name, address_.path + name, times),
                    fmt::format("status {}: {}", reply.status, on_one_line(without_key(reason_in(reply.body)), 300)),
                    reply.status == 401 || reply.status == 403
                        ? fmt::format("put a valid key into the environment variable {}", key_variable)
                    : reply.status == 404 ? "--judge-model NAME, --endpoint chat or completions, or another address"
                    : reply.again         ? "try again later: what is done is kept, and the same command continues"
                                          : "see the server's own messages");
    JsonText json = try_parse_json(reply.body, JsonKeys::any);
    if (!json.problem.empty())
        throw bad_reply("the reply is not JSON: " + json.reason,
                        "name the address of a server with OpenAI's interface");
    return std::move(json.value);
}

nlohmann::json ServerClient::post(const std::string& name, const nlohmann::json& body) const {
    return exchange("POST", name, body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::string ServerClient::the_only_model() const {
    const nlohmann::json reply = exchange("GET", "/models", "");
    const nlohmann::json data = reply.is_object() ? reply.value("data", nlohmann::json()) : nlohmann::json();
    std::vector<std::string> names;
    if (data.is_array())
        for (const nlohmann::json& model : data)
            if (model.is_object() && model.contains("id") && model["id"].is_string()) names.push_back(model["id"]);
    if (names.size() == 1) return names[0];
    std::string list;
    for (size_t i = 0; i < std::min<size_t>(names.size(), 10); ++i)
        list += (i == 0 ? "it has " : ", ") + without_key(on_one_line(names[i], 100));
    if (names.size() > 10) list += ", …";
    throw Error("which model of the server '" + options_.name + "' is meant is not said",
                names.empty() ? "it does not list its models" : list, "--judge-model NAME");
}

void ServerClient::for_each(size_t count, const std::function<void(size_t)>& ask) const {
    std::atomic<size_t> next = 0;
    std::mutex mutex;
    std::exception_ptr problem;
    size_t first_problem = count;
    const auto work = [&] {
        for (size_t i = next++; i < count; i = next++) {
            try {
                ask(i);
            } catch (...) {
                const std::lock_guard lock(mutex);
                if (i < first_problem) problem = std::current_exception();
                first_problem = std::min(first_problem, i);
                next = count;  // no further requests
            }
        }
    };
    std::vector<std::thread> threads;
    for (size_t t = 0; t < std::min(count, size_t(options_.requests)); ++t) threads.emplace_back(work);
    for (std::thread& t : threads) t.join();
    if (problem) std::rethrow_exception(problem);
}

Error ServerClient::bad_reply(const std::string& problem, const std::string& fix) const {
    return Error("the server '" + options_.name + "' replied something that cannot be used", without_key(problem), fix);
}

// Servers may quote the key that they refuse.
std::string ServerClient::without_key(std::string text) const {
    if (!key_.empty())
        for (size_t at = text.find(key_); at != std::string::npos; at = text.find(key_, at))
            text.replace(at, key_.size(), "…");
    return text;
}

}  // namespace gradus
