#include "tests/align/experiments/sentiment.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "engine/base/philox.h"

namespace gradus::experiments {

namespace {

// Four of the eight positive and four of the eight negative words belong to a topic; neighbouring topics share two of each.
bool is_of_topic(int32_t word, int32_t first_word, int topic) { return (word - first_word + 8 - 2 * topic) % 8 < 4; }
bool is_function(int32_t id) { return id >= first_function; }
bool is_content(int32_t id) { return id >= first_positive && id < first_function; }
bool is_positive(int32_t id) { return id >= first_positive && id < first_negative; }

}  // namespace

std::vector<int32_t> sentiment_prompt(int topic) { return {bos, first_topic + topic, sep}; }

std::vector<std::vector<int32_t>> sentiment_prompts(int count) {
    std::vector<std::vector<int32_t>> all;
    for (int i = 0; i < count; ++i) all.push_back(sentiment_prompt(i % topics));
    return all;
}

Sequence demonstration(uint64_t seed, int64_t sample) {
    const Philox random{key_of(seed, uint64_t(sample))};
    uint64_t draws = 0;
    const auto below = [&](int n) { return int(random.uniform(draws++) * n); };
    const int topic = below(topics), pairs = 2 + below(7);
    Sequence s{sentiment_prompt(topic), {0, 0, 0}};
    const auto say = [&](int32_t id) {
        s.ids.push_back(id);
        s.learnt.push_back(1);
    };
    for (int p = 0, last = -1; p < pairs; ++p) {
        say(first_function + below(8));
        int32_t word;
        do { word = (below(2) ? first_positive : first_negative) + (2 * topic + below(4)) % 8; } while (word == last);
        say(word);
        last = word;
    }
    say(eos);
    return s;
}

Utility utility_of(const Rollout& r) {
    Utility u;
    const int topic = r.text.ids[1] - first_topic;
    std::set<int32_t> praise;
    int32_t last = -1;
    int length = 0;
    for (int t = r.prompt_length; t < r.text.size(); ++t) {
        const int32_t id = r.text.ids[size_t(t)];
        if (id == eos) break;
        const bool wants_function = length++ % 2 == 0;
        if (wants_function ? !is_function(id) : !is_content(id)) ++u.violations;
        if (!is_content(id)) continue;
        const bool positive = is_positive(id),
                   on_topic = is_of_topic(id, positive ? first_positive : first_negative, topic);
        if (!on_topic) ++u.violations;
        if (id == last) ++u.violations;
        last = id;
        if (!positive) ++u.negatives;
        else if (on_topic) praise.insert(id);
    }
    if (length % 2 == 1) ++u.violations;
    u.positives = int(praise.size());
    u.ended = r.ended;
    u.gold = u.positives - u.negatives - 0.5 * u.violations - (u.ended ? 0 : 2);
    return u;
}

std::vector<int> rank_by_noisy_utility(const std::vector<Rollout>& answers, uint64_t seed) {
    const Philox random{seed};
    std::vector<std::pair<double, int>> noisy;
    for (size_t i = 0; i < answers.size(); ++i)
        noisy.push_back({-(utility_of(answers[i]).gold - std::log(-std::log(random.uniform(i) + 1e-300))), int(i)});
    std::sort(noisy.begin(), noisy.end());
    std::vector<int> ranks(answers.size());
    for (size_t place = 0; place < noisy.size(); ++place) ranks[size_t(noisy[place].second)] = int(place) + 1;
    return ranks;
}

}  // namespace gradus::experiments
