#include "tests/align/experiments/addition.h"

#include "engine/base/philox.h"

namespace gradus::experiments {

namespace {

std::vector<int32_t> answer_of(const Sum& s) {
    const int sum = s.a + s.b;
    return {sum % 10, sum / 10 % 10, sum / 100, addition_end};
}

}  // namespace

bool is_held_out(const Sum& s) { return Philox{key_of(20, uint64_t(s.a))}.bits(uint64_t(s.b)) % 10 == 0; }

std::vector<Sum> sums(bool held_out) {
    std::vector<Sum> all;
    for (int a = 0; a < 100; ++a)
        for (int b = 0; b < 100; ++b)
            if (is_held_out({a, b}) == held_out) all.push_back({a, b});
    return all;
}

std::vector<int32_t> addition_prompt(const Sum& s) {
    return {addition_bos, s.a / 10, s.a % 10, plus_sign, s.b / 10, s.b % 10, equals_sign};
}

Sequence addition_demonstration(const Sum& s, uint64_t seed) {
    const Philox random{seed};
    std::vector<int32_t> answer = answer_of(s);
    if (random.uniform(0) < 0.5) {
        int32_t& digit = answer[size_t(random.uniform(1) * 3)];
        digit = (digit + 1 + int32_t(random.uniform(2) * 9)) % 10;
    }
    Sequence text{addition_prompt(s), {}};
    text.learnt.assign(text.ids.size(), 0);
    for (const int32_t id : answer) {
        text.ids.push_back(id);
        text.learnt.push_back(1);
    }
    return text;
}

double is_right(const Rollout& r) {
    const std::vector<int32_t>& ids = r.text.ids;
    const Sum s = {10 * ids[1] + ids[2], 10 * ids[4] + ids[5]};
    return std::vector<int32_t>(ids.begin() + r.prompt_length, ids.end()) == answer_of(s);
}

}  // namespace gradus::experiments
