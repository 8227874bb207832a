#include "tools/feedback/resumable_lines.h"

#include <fmt/format.h>

#include "align/examples/records.h"
#include "engine/base/error.h"

namespace gradus {

namespace {

Error of_another_command(const std::string& place, const std::string& cause) {
    return Error("the line at '" + place + "' is not of this command", cause,
                 "give the options that the file was made with, or name another file: --out FILE.jsonl");
}

}  // namespace

ResumableLines::ResumableLines(const fs::path& path, nlohmann::ordered_json made_by, size_t items)
    : file_(path), made_by_(std::move(made_by)) {
    for (size_t i = 0; i < file_.lines().size(); ++i) {
        Record record = parse_record(file_.lines()[i], path.string() + ":" + std::to_string(i + 1));
        if (!record.problem.empty()) throw of_another_command(record.place, record.problem);
        const nlohmann::json there = record.object.value("made_by", nlohmann::json());
        if (!there.is_object()) throw of_another_command(record.place, "it has no 'made_by'");
        for (const auto& [key, value] : made_by_.items()) {
            const nlohmann::json before = there.value(key, nlohmann::json());
            if (before != nlohmann::json(value))
                throw of_another_command(record.place,
                                         fmt::format("{} was {}, and is now {}", key, before.dump(), value.dump()));
        }
        const nlohmann::json item = record.object.value("item", nlohmann::json());
        if (!item.is_number_unsigned() || item.get<uint64_t>() < next_ || item.get<uint64_t>() >= items)
            throw of_another_command(record.place, fmt::format("its item is {}, where one of {} to {} must be",
                                                               item.dump(), next_, items - 1));
        next_ = item.get<size_t>() + 1;
        lines_.push_back(std::move(record.object));
    }
}

void ResumableLines::append(size_t item, nlohmann::ordered_json line) {
    line["item"] = item;
    line["made_by"] = made_by_;
    if (!pending_.empty()) pending_ += '\n';
    pending_ += line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void ResumableLines::flush() {
    if (!pending_.empty()) file_.append(pending_);
    pending_.clear();
}

}  // namespace gradus
