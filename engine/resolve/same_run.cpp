#include "engine/resolve/same_run.h"

#include <fmt/format.h>

#include <charconv>

namespace gradus {

namespace {

// A line of the identity that is not a setting.
constexpr const char* start_of_cooldown = "start of the cool-down";

// A constant learning rate does not depend on the number of steps, so such a run may change it: after the warm-up, and
// before the cool-down begins.
bool is_open_ended(const Config& c) { return c.optimizer.schedule == "constant" || c.optimizer.schedule == "wsd"; }

using Lines = std::map<std::string, std::string>;

Lines lines_of(const std::string& identity) {
    Lines values;
    for (size_t start = 0; start < identity.size();) {
        const size_t end = std::min(identity.find('\n', start), identity.size());
        const std::string line = identity.substr(start, end - start);
        if (const size_t equals = line.find(" = "); equals != std::string::npos)
            values[line.substr(0, equals)] = line.substr(equals + 3);
        start = end + 1;
    }
    return values;
}

int64_t whole_or_zero(const std::string& digits) {
    int64_t n = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), n);
    return n;
}

std::string text_of(const DeclaredSetting& s) {
    const std::optional<Value> value = s.value();
    return value ? toml_text(*value) : "";
}

// A value that means "from the weights" until resolve() has filled it in.
bool is_left_open(const Config& c, const std::string& key, const std::string& value) {
    if (key == "train.context") return c.train.context == 0;
    if (key == "model.family") return !c.written_at.contains(key);
    return key.starts_with("model.") && (value.empty() || value == "\"\"" || value == "0" || value == "0.0");
}

struct Difference {
    std::string key, then, now, where;
};

std::string place_of(const Config& c, const std::string& key) {
    const auto written = c.written_at.find(key);
    return written == c.written_at.end() ? key + " is the default" : written->second;
}

// The warm-up is compared in steps; empty if it is the same share of another number of steps, which is its own
// difference.
std::optional<Difference> difference_of_warmup(const Lines& then, const Config& c) {
    const std::string& begun = then.at("optimizer.warmup");
    const int64_t now = in_steps(c.optimizer.warmup, c.train.steps);
    if (std::to_string(now) == begun) return std::nullopt;
    const auto steps = then.find("train.steps");
    if (steps != then.end() && std::to_string(in_steps(c.optimizer.warmup, whole_or_zero(steps->second))) == begun)
        return std::nullopt;
    Difference d{"optimizer.warmup", begun, std::to_string(now), place_of(c, "optimizer.warmup")};
    if (c.optimizer.warmup > 0 && c.optimizer.warmup < 1) {
        d.now += fmt::format(" ({} of train.steps = {})", c.optimizer.warmup, c.train.steps);
        d.where += ", " + place_of(c, "train.steps");
    }
    return d;
}

std::vector<Difference> differences(const Lines& then, Config c) {
    std::vector<Difference> found;
    for (const DeclaredSetting& s : declared(c)) {
        const auto begun = then.find(s.key);
        if (s.on_resume == OnResume::free || begun == then.end()) continue;
        if (s.key == "train.steps" && is_open_ended(c)) continue;
        if (s.key == "optimizer.warmup") {
            if (const auto d = difference_of_warmup(then, c)) found.push_back(*d);
            continue;
        }
        const std::string now = text_of(s);
        if (now == begun->second || is_left_open(c, s.key, now)) continue;
        found.push_back({s.key, begun->second, now, place_of(c, s.key)});
    }
    return found;
}

void refuse_if_any(const Config& c, const std::vector<Difference>& found, bool other_data) {
    if (found.empty() && !other_data) return;
    std::string changes, places, fix;
    for (const Difference& d : found) {
        changes += fmt::format("{}{} {} → {}", changes.empty() ? "" : ", ", d.key, d.then, d.now);
        places += (places.empty() ? "" : ", ") + d.where;
        fix += fmt::format("{}--set {}={}", fix.empty() ? "" : " ", d.key, d.then);
    }
    std::string what = "this run began with different ";
    if (!found.empty()) what += "settings: " + changes;
    if (other_data) {
        what += found.empty() ? "data" : "; and with different data";
        const bool shards = c.stage == Stage::pretrain;
        places += std::string(places.empty() ? "" : ", ") +
                  (shards ? "the shards or the tokenizer have changed"
                          : "the files, the chat template, or a model that it learns from have changed");
        fix +=
            std::string(fix.empty() ? "" : ", and ") + (shards ? "set data.dir to the data that the run began with"
                                                               : "name the files and models that the run began with");
    }
    throw Error(what, places, fix + ", or start another run: --set run.dir=OTHER");
}

bool is_other_data(const Lines& then, const std::string& identity) {
    const auto begun = then.find("data");
    return begun != then.end() && begun->second != identity;
}

void require_cooldown_ahead(const Lines& then, const Lines& here, const Config& c, int64_t steps_done) {
    const auto begun = then.find(start_of_cooldown), now = here.find(start_of_cooldown);
    if (begun == then.end() || now == here.end() || begun->second == now->second) return;
    if (steps_done <= std::min(whole_or_zero(begun->second), whole_or_zero(now->second))) return;
    throw Error(
        fmt::format("the number of steps can no longer change: the cool-down begins after {} of them", begun->second),
        fmt::format("{} are done, and by train.steps = {} ({}) it would begin after {}", steps_done, c.train.steps,
                    place_of(c, "train.steps"), now->second),
        "leave out train.steps, or resume from an older checkpoint, or start another run: --set run.dir=OTHER");
}

}  // namespace

std::string identity_of(const Config& settings, const DataFacts& data) {
    Config c = settings;
    std::string text;
    for (const DeclaredSetting& s : declared(c)) {
        if (s.on_resume == OnResume::free) continue;
        if (s.key == "train.steps" && is_open_ended(c)) {
            if (c.optimizer.schedule == "wsd")
                text += fmt::format("{} = {}\n", start_of_cooldown,
                                    c.train.steps - in_steps(c.optimizer.cooldown, c.train.steps));
        } else if (s.key == "optimizer.warmup") {
            text += fmt::format("{} = {}\n", s.key, in_steps(c.optimizer.warmup, c.train.steps));
        } else {
            text += s.key + " = " + text_of(s) + "\n";
        }
    }
    return text + "data = " + data.identity + "\n";
}

std::string with_all_bytes(const std::string& begun, const DataFacts& data) {
    const std::string former = "data = " + data.former + "\n";
    const size_t at = data.former.empty() ? std::string::npos : begun.rfind(former);
    if (at == std::string::npos || (at > 0 && begun[at - 1] != '\n')) return begun;
    return begun.substr(0, at) + "data = " + data.identity + "\n" + begun.substr(at + former.size());
}

void require_same_settings(const std::string& begun, const Config& written, const DataFacts& data) {
    const Lines then = lines_of(begun);
    refuse_if_any(written, differences(then, written), is_other_data(then, data.identity));
}

void require_same_run(const std::string& begun, const Resolved& now, int64_t steps_done) {
    const Lines then = lines_of(begun), here = lines_of(now.identity);
    refuse_if_any(now.config, differences(then, now.config), is_other_data(then, here.at("data")));
    require_cooldown_ahead(then, here, now.config, steps_done);
}

}  // namespace gradus
