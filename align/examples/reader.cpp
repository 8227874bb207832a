#include "align/examples/reader.h"

#include <algorithm>

#include "align/examples/records.h"
#include "engine/base/error.h"
#include "engine/base/log.h"
#include "engine/base/one_line.h"

namespace gradus {

namespace {

constexpr size_t records_to_detect = 10;

std::string keys_of_record(const Json& object) {
    std::string keys;
    for (const auto& [key, value] : object.items())
        if (keys.size() < 200) keys += (keys.empty() ? "" : ", ") + shown(on_one_line(key, 40));
    return keys.empty() ? "no keys" : keys;
}

// The first format that fits all of the records, else that of the first one.
const Format* detected_format(const std::vector<Record>& records) {
    const Format* of_first = nullptr;
    for (const Format& f : formats()) {
        size_t objects = 0, fitting = 0;
        for (const Record& r : records) {
            if (!r.problem.empty()) continue;
            const bool fits = f.fits(r.object);
            if (objects == 0 && fits && !of_first) of_first = &f;
            ++objects;
            fitting += fits;
        }
        if (objects > 0 && fitting == objects) return &f;
    }
    return of_first;
}

// The reader of one file: detects, reads, converts, counts.
class ExampleReader {
public:
    ExampleReader(const fs::path& path, const ReadExamples& options, const std::optional<Needs>& needs)
        : options_(options), needs_(needs), records_(path) {
        out_.path = path;
    }

    ExampleFile run() {
        std::vector<Record> first;
        Record record;
        while (first.size() < records_to_detect && records_.next(record)) first.push_back(std::move(record));
        if (first.empty())
            throw Error("'" + out_.path.string() + "' has no examples", "the file is empty",
                        "name a file with one JSON object per line");
        choose_format(first);
        for (const Record& r : first) take(r);
        while (records_.next(record)) take(record);
        refuse_nothing();
        return std::move(out_);
    }

private:
    void choose_format(const std::vector<Record>& first) {
        format_ = options_.format.empty() ? detected_format(first) : &format_named(options_.format);
        if (!format_) {
            const auto object =
                std::find_if(first.begin(), first.end(), [](const Record& r) { return r.problem.empty(); });
            if (object == first.end()) bad_line(first[0].place, first[0].problem);
            throw Error("the format of '" + out_.path.string() + "' is not known",
                        "'" + object->place + "' has the keys " + keys_of_record(object->object),
                        "name the format (" + option() + "), one of " + format_names());
        }
        out_.format = format_->name;
        out_.held = out_.kind = format_->kind;
        if (!needs_) return;
        out_.kind = needs_->kind;
        if (!can_be(out_.held, out_.kind))
            throw Error("'" + out_.path.string() + "' is of the wrong kind for " + needs_->command,
                        "it holds " + name_of(out_.held) + " (format " + out_.format + "), and " + needs_->command +
                            " needs " + name_of(out_.kind),
                        "name a file with " + name_of(out_.kind) + ", or the right format: " + option() + ", one of " +
                            format_names());
    }

    void take(const Record& record) {
        ++out_.records;
        if (!record.problem.empty()) return count_bad_line(record.place, record.problem);
        Fields fields(record.object);
        FromRecord found = format_->read(fields, options_.form);
        if (!fields.problem().empty()) return count_bad_line(record.place, fields.problem());
        for (const auto& [reason, n] : found.skipped) out_.skipped[reason] += n;
        for (const Example& example : found.examples) add(example, record.place);
    }

    void add(const Example& example, const std::string& place) {
        const std::vector<Example> wanted = converted(example, out_.kind);
        if (wanted.empty()) ++out_.skipped["it gives no " + name_of(out_.kind)];
        for (const Example& e : wanted) {
            out_.examples.push_back(e);
            out_.places.push_back(place);
        }
    }

    void count_bad_line(const std::string& place, const std::string& problem) {
        if (++out_.bad_lines > options_.max_bad_lines) bad_line(place, problem);
    }

    [[noreturn]] void bad_line(const std::string& place, const std::string& problem) const {
        const std::string how = !format_                  ? ""
                                : options_.format.empty() ? " (detected as " + out_.format + ")"
                                                          : " (read as " + out_.format + ")";
        throw Error(
            "bad example at '" + place + "'" + how, problem,
            "correct that record or remove it, or name another format (" + option() + "), one of " + format_names());
    }

    void refuse_nothing() const {
        if (!out_.examples.empty()) return;
        std::string reasons;
        for (const auto& [reason, n] : out_.skipped)
            reasons += (reasons.empty() ? "" : ", ") + text_of_whole(n) + " times: " + reason;
        if (out_.bad_lines > 0) reasons += (reasons.empty() ? "" : ", ") + text_of_whole(out_.bad_lines) + " bad lines";
        throw Error("'" + out_.path.string() + "' has no usable examples",
                    "nothing can be learnt from its " + text_of_whole(out_.records) + " records; " + reasons,
                    "name another file, or another format (" + option() + "), one of " + format_names());
    }

    std::string option() const { return needs_ ? needs_->format_option : "--format"; }

    const ReadExamples& options_;
    const std::optional<Needs>& needs_;
    RecordReader records_;
    const Format* format_ = nullptr;
    ExampleFile out_;
};

}  // namespace

ExampleFile read_examples(const fs::path& path, const ReadExamples& options, const std::optional<Needs>& needs) {
    return ExampleReader(path, options, needs).run();
}

std::string summary_of(const ExampleFile& file) {
    std::string text = text_of_whole(int64_t(file.examples.size())) + " " + name_of(file.kind) + " from '" +
                       file.path.string() + "' (" + file.format + ")";
    std::string skipped;
    for (const auto& [reason, n] : file.skipped)
        skipped += (skipped.empty() ? "" : ", ") + text_of_whole(n) + ": " + reason;
    if (file.bad_lines > 0) skipped += (skipped.empty() ? "" : ", ") + text_of_whole(file.bad_lines) + " bad lines";
    return skipped.empty() ? text : text + "; skipped " + skipped;
}

}  // namespace gradus
