#pragma once
// What the page of `gradus rank` asks for, and the replies, without HTTP. Requests and replies are JSON objects:
//
//   join   {"name", "seat"}                    → state, with the page's new "seat"; refused: 409
//   rank   {"name", "seat", "item", "ranks"}   → state; the ranking is on the disk
//   alive  {"name", "seat"}                    → {}
//   leave  {"name", "seat"}                    → {}
//
//   state  {"seat", "judged", "left", "item": {"id", "messages", "answers"}}; without "item": nothing is left
//
// "ranks" are those of the answers in the order shown. A failure is {"error": TEXT} with an HTTP status: 400 for a
// malformed request, 404 for another action, 409 for a name that another page holds, 507 when the ranking could not be
// written. Safe for several threads at once.
#include <chrono>
#include <functional>
#include <mutex>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "align/collect/ranking_file.h"
#include "align/collect/session.h"

namespace gradus {

// Random bytes from the system as hexadecimal digits.
std::string random_digits(int bytes);

// The present time: "2026-01-02T03:04:05Z".
std::string time_now();

// Seconds of a clock that is never set.
double steady_seconds();

class RankService {
public:
    RankService(Session& session, RankingFile& file) : session_(session), file_(file) {}

    struct Reply {
        int status;
        std::string json;
    };
    Reply reply(const std::string& action, const std::string& body);
    int64_t rankings();  // in the file

private:
    nlohmann::json join(const std::string& name, const nlohmann::json& request);
    nlohmann::json rank(const std::string& name, const nlohmann::json& request);
    nlohmann::json state(const std::string& name, const std::string& seat);

    std::mutex mutex_;
    Session& session_;
    RankingFile& file_;
};

}  // namespace gradus
