// A record of examples, in every format: examples with roles in order and ranks that fit, or a problem in words.
#include "align/examples/formats.h"
#include "align/examples/records.h"
#include "data/text.h"
#include "tests/fuzz/reading.h"

using namespace gradus;
using namespace gradus::fuzzing;

namespace {

void check_example(const Example& example) {
    if (const auto* d = std::get_if<Demonstration>(&example))
        require(problem_of(d->conversation, LastMessage::answer).empty());
    else if (!std::holds_alternative<PlainText>(example))
        require(problem_of(std::get<Question>(converted(example, Kind::prompt).at(0)).prompt, LastMessage::question)
                    .empty());
    if (const auto* r = std::get_if<Ranking>(&example)) {
        require(r->answers.size() >= 2 && r->ranks.size() == r->answers.size());
        require(best_answer(*r) < r->answers.size());
    }
    if (const auto* p = std::get_if<Preference>(&example)) require(p->chosen != p->rejected);
    for (const Kind kind : {Kind::demonstration, Kind::preference, Kind::ranking, Kind::unpaired, Kind::prompt})
        if (can_be(Kind(example.index()), kind))
            for (const Example& e : converted(example, kind)) require(Kind(e.index()) == kind);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const Record record = parse_record(as_text(data, size), "examples.jsonl:1");
    if (!record.problem.empty()) return 0;
    (void)format_of(record.object);
    for (const Format& format : formats()) {
        Fields fields(record.object);
        const FromRecord found = format.read(fields, {});
        require(is_valid_utf8(fields.problem()));
        if (!fields.problem().empty()) continue;
        for (const Example& e : found.examples) {
            require(Kind(e.index()) == format.kind);
            check_example(e);
        }
    }
    return 0;
}
