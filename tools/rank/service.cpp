#include "tools/rank/service.h"

#include <sys/random.h>

#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/base/json_text.h"
#include "engine/base/one_line.h"

namespace gradus {

namespace {

struct Refusal {
    int status;
    std::string text;
};

std::string dumped(const nlohmann::json& json) {
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string text_in(const nlohmann::json& request, const char* key) {
    const auto found = request.find(key);
    if (found == request.end() || !found->is_string()) throw Refusal{400, fmt::format("'{}' must be a text", key)};
    return found->get<std::string>();
}

size_t item_in(const nlohmann::json& request) {
    const auto found = request.find("item");
    if (found == request.end() || !found->is_number_unsigned()) throw Refusal{400, "'item' must be a whole number"};
    return found->get<size_t>();
}

std::vector<int> ranks_in(const nlohmann::json& request) {
    const auto found = request.find("ranks");
    if (found == request.end() || !found->is_array()) throw Refusal{400, "'ranks' must be a list"};
    std::vector<int> ranks;
    for (const nlohmann::json& rank : *found) {
        if (!rank.is_number_unsigned() || rank > 1000000) throw Refusal{400, "a rank must be a whole number from 1"};
        ranks.push_back(rank.get<int>());
    }
    return ranks;
}

}  // namespace

std::string random_digits(int bytes) {
    std::string digits;
    while (bytes-- > 0) {
        uint8_t byte = 0;
        CHECK(::getrandom(&byte, 1, 0) == 1);
        digits += fmt::format("{:02x}", byte);
    }
    return digits;
}

std::string time_now() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

double steady_seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

RankService::Reply RankService::reply(const std::string& action, const std::string& body) {
    const std::lock_guard lock(mutex_);
    try {
        const JsonText parsed = try_parse_json(body);
        if (!parsed.problem.empty() || !parsed.value.is_object())
            throw Refusal{400, "the request is not a JSON object"};
        const nlohmann::json& request = parsed.value;
        const std::string name = text_in(request, "name"), seat = text_in(request, "seat");
        if (const std::string problem = problem_of_rater(name); !problem.empty()) throw Refusal{400, problem};
        if (action == "join") return {200, dumped(join(name, request))};
        if (action == "leave") {
            session_.seats().leave(name, seat);
            return {200, "{}"};
        }
        if (action != "rank" && action != "alive") throw Refusal{404, "there is no such action"};
        if (!session_.seats().holds(name, seat, steady_seconds()))
            throw Refusal{409,
                          shown(name) + " has moved to another page, or this page was silent for long: load it again"};
        return {200, action == "rank" ? dumped(rank(name, request)) : "{}"};
    } catch (const Refusal& refusal) {
        return {refusal.status, dumped({{"error", refusal.text}})};
    } catch (const Error& e) {
        return {507, dumped({{"error", fmt::format("{}: {}. {}. Then submit again.", e.what(), e.cause, e.fix)}})};
    }
}

nlohmann::json RankService::join(const std::string& name, const nlohmann::json& request) {
    const std::string seat = random_digits(16);
    const std::string refused = session_.seats().take(name, seat, text_in(request, "seat"), steady_seconds());
    if (!refused.empty()) throw Refusal{409, refused};
    return state(name, seat);
}

int64_t RankService::rankings() {
    const std::lock_guard lock(mutex_);
    return int64_t(file_.rankings().size());
}

nlohmann::json RankService::rank(const std::string& name, const nlohmann::json& request) {
    const size_t item = item_in(request);
    const std::vector<int> ranks = ranks_in(request);
    if (const std::string problem = session_.problem_of(item, ranks); !problem.empty()) throw Refusal{400, problem};
    // A page whose reply was lost submits again.
    if (!session_.is_judged(name, item)) {
        file_.append(session_.ranking(name, item, ranks, steady_seconds(), time_now()));
        session_.record(name, item);
    }
    return state(name, text_in(request, "seat"));
}

nlohmann::json RankService::state(const std::string& name, const std::string& seat) {
    const double now = steady_seconds();
    const std::optional<Shown> next = session_.next(name, now);
    const RankProgress progress = session_.progress(name, now);
    nlohmann::json state = {{"seat", seat}, {"judged", progress.judged}, {"left", progress.left}};
    if (!next) return state;
    const Candidates& c = session_.candidates(next->prompt);
    nlohmann::json messages = nlohmann::json::array(), answers = nlohmann::json::array();
    for (const Message& m : c.prompt) messages.push_back({{"role", m.role}, {"content", m.content}});
    for (int answer : next->order) answers.push_back(c.answers[size_t(answer)]);
    state["item"] = {{"id", next->prompt}, {"messages", std::move(messages)}, {"answers", std::move(answers)}};
    return state;
}

}  // namespace gradus
