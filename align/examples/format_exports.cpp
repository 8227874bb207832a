// Exports of annotation programs and of Chatbot Arena.
//
// Label Studio: https://labelstud.io/guide/export, tags Ranker and Pairwise. Argilla: https://docs.argilla.io
#include <algorithm>
#include <charconv>
#include <optional>

#include "align/examples/formats.h"
#include "engine/base/one_line.h"

namespace gradus {

namespace {

std::string text_of_json(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

std::optional<std::string> first_text(const Json& object, std::initializer_list<const char*> keys) {
    for (const char* key : keys)
        if (object.contains(key) && object[key].is_string()) return object[key].get<std::string>();
    return std::nullopt;
}

// The answers of a task under their names.
struct NamedAnswers {
    std::vector<std::string> names, texts;

    void add(std::string name, std::string text) {
        names.push_back(std::move(name));
        texts.push_back(std::move(text));
    }
    std::optional<size_t> find(const std::string& name) const {
        const auto at = std::find(names.begin(), names.end(), name);
        if (at == names.end()) return std::nullopt;
        return size_t(at - names.begin());
    }
};

// The items of a list: objects {"id", "title", "body", "html"}, or strings, whose names are their numbers from 0.
NamedAnswers items_of(const Json& list) {
    NamedAnswers answers;
    for (const Json& item : list) {
        const std::string number = std::to_string(answers.names.size());
        if (item.is_string()) answers.add(number, item.get<std::string>());
        else if (item.is_object())
            if (const auto text = first_text(item, {"body", "text", "html", "title"}))
                answers.add(item.contains("id") ? text_of_json(item["id"]) : number, *text);
    }
    return answers;
}

// The list of the task's data that a Ranker shows: the one that has all items of its buckets.
NamedAnswers answers_of_task(Fields& record, const Json& data, const Json& ranker) {
    for (const auto& [key, list] : data.items()) {
        if (!list.is_array() || list.empty() || key == "messages" || key == "prompt") continue;
        NamedAnswers answers = items_of(list);
        bool has_all = true;
        for (const Json& ids : ranker)
            for (const Json& id : ids) has_all = has_all && answers.find(text_of_json(id));
        if (has_all) return answers;
    }
    record.fail("the task's data has no list with the items of the ranking");
    return {};
}

Conversation question_of_task(Fields& record, const Json& data) {
    for (const char* key : {"messages", "prompt", "question", "instruction", "input"})
        if (data.contains(key)) return record.prompt(data[key]);
    record.fail("the task's data has no 'prompt'");
    return {};
}

// Ranks from {"NAME": [ids from best to worst]}, or from buckets with whole numbers as names, whose items tie.
std::vector<int> ranks_of_ranker(Fields& record, const Json& ranker, const NamedAnswers& answers) {
    std::vector<int> ranks(answers.names.size(), 0);
    int buckets = 0;
    for (const auto& [name, ids] : ranker.items()) buckets += name != "_" || ranker.size() == 1;
    for (const auto& [name, ids] : ranker.items()) {
        if (name == "_" && ranker.size() > 1) continue;
        int rank = 1;
        const auto end = name.data() + name.size();
        const bool numbered = std::from_chars(name.data(), end, rank).ptr == end && !name.empty();
        if (buckets > 1 && !numbered)
            record.fail("the buckets of the ranker are not numbered, so their order is unknown");
        if (!ids.is_array()) record.fail("a ranker's bucket is " + described(ids) + ", where an array must be");
        else
            for (const Json& id : ids) {
                const auto at = answers.find(text_of_json(id));
                if (at) ranks[*at] = numbered && buckets > 1 ? rank : rank++;
                else record.fail("the ranking names the unknown item " + shown(on_one_line(text_of_json(id), 60)));
            }
    }
    if (std::find(ranks.begin(), ranks.end(), 0) != ranks.end()) record.fail("the ranking leaves out an answer");
    return ranks;
}

FromRecord read_label_studio(Fields& record, const InputForm&) {
    FromRecord out;
    const Json& data = record.value("data");
    if (!data.is_object()) {
        record.fail("'data' is " + described(data) + ", where an object must be");
        return out;
    }
    const Conversation prompt = question_of_task(record, data);
    for (const Json& annotation : record.array("annotations")) {
        if (!annotation.is_object() || annotation.value("was_cancelled", Json()) == true) {
            ++out.skipped["the annotation was cancelled"];
            continue;
        }
        Ranking r;
        r.prompt = prompt;
        if (annotation.contains("completed_by")) {
            const Json& by = annotation["completed_by"];
            r.rater = by.is_object() && by.contains("email") ? text_of_json(by["email"]) : text_of_json(by);
        }
        r.time = first_text(annotation, {"created_at"}).value_or("");
        if (annotation.contains("lead_time") && annotation["lead_time"].is_number())
            r.seconds = annotation["lead_time"];
        bool found = false;
        const Json results = annotation.value("result", Json::array());
        for (const Json& result : results) {
            if (!result.is_object() || !result.contains("value") || !result["value"].is_object()) continue;
            const Json& value = result["value"];
            if (value.contains("ranker") && value["ranker"].is_object()) {
                const NamedAnswers answers = answers_of_task(record, data, value["ranker"]);
                r.answers = answers.texts;
                r.ranks = ranks_of_ranker(record, value["ranker"], answers);
            } else if (value.contains("selected")) {
                for (const auto& [a, b] : {std::pair("answer1", "answer2"), std::pair("left", "right"),
                                           std::pair("response1", "response2"), std::pair("answer_a", "answer_b")})
                    if (data.contains(a) && data.contains(b))
                        r.answers = {text_of_json(data[a]), text_of_json(data[b])};
                if (r.answers.empty()) record.fail("the task's data has no answers 'answer1' and 'answer2'");
                const bool left = value["selected"] == "left";
                if (!left && value["selected"] != "right") record.fail("'selected' is neither left nor right");
                r.ranks = {left ? 1 : 2, left ? 2 : 1};
            } else continue;
            found = true;
            break;
        }
        if (!record.problem().empty()) break;
        if (!found) ++out.skipped["the annotation has no ranking"];
        else add_ranking(out, record, std::move(r));
    }
    return out;
}

int whole_rank(const Json& value) {
    return value.is_number_integer() && value >= 1 && value <= 1000000 ? value.get<int>() : 0;
}

// One rater's ranking: ["a", "b"] from best to worst, [{"value": "a", "rank": 1}, …], or {"value": […], "rank": […]}.
std::vector<std::pair<std::string, int>> ranked_names(const Json& value) {
    std::vector<std::pair<std::string, int>> ranked;
    if (value.is_object()) {
        const Json names = value.value("value", Json::array()), ranks = value.value("rank", Json::array());
        for (size_t i = 0; i < names.size() && names.is_array() && ranks.is_array() && i < ranks.size(); ++i)
            ranked.emplace_back(text_of_json(names[i]), whole_rank(ranks[i]));
    } else if (value.is_array()) {
        for (const Json& item : value) {
            const bool with_rank = item.is_object() && item.contains("value") && item.contains("rank");
            if (with_rank) ranked.emplace_back(text_of_json(item["value"]), whole_rank(item["rank"]));
            else ranked.emplace_back(text_of_json(item), int(ranked.size()) + 1);
        }
    }
    return ranked;
}

// Records of version 2 have "fields" and "responses"; those exported to Hugging Face have both beside each other.
const Json& fields_of(const Json& record) { return record.contains("fields") ? record["fields"] : record; }

const Json* ranking_question(const Json& record) {
    const Json& responses = record.contains("responses") ? record["responses"] : record;
    if (!responses.is_object()) return nullptr;
    for (const auto& [key, answers] : responses.items()) {
        if (!answers.is_array() || answers.empty() || !answers[0].is_object() || !answers[0].contains("value"))
            continue;
        const auto ranked = ranked_names(answers[0]["value"]);
        if (ranked.size() >= 2 && fields_of(record).is_object() && fields_of(record).contains(ranked[0].first))
            return &answers;
    }
    return nullptr;
}

FromRecord read_argilla(Fields& record, const InputForm&) {
    FromRecord out;
    const Json* answers = ranking_question(record.object());
    if (!answers) {
        ++out.skipped["the record has no ranking"];
        return out;
    }
    const Json& fields = fields_of(record.object());
    const Conversation prompt = question_of_task(record, fields);
    for (const Json& answer : *answers) {
        if (!answer.is_object() || answer.value("status", Json("submitted")) != "submitted") {
            ++out.skipped["the response was not submitted"];
            continue;
        }
        Ranking r;
        r.prompt = prompt;
        if (answer.contains("user_id")) r.rater = text_of_json(answer["user_id"]);
        for (const auto& [name, rank] : ranked_names(answer.value("value", Json()))) {
            const auto text = fields.find(name);
            if (text == fields.end() || !text->is_string())
                record.fail("the ranking names the unknown field " + shown(on_one_line(name, 60)));
            else r.answers.push_back(text->get<std::string>());
            r.ranks.push_back(rank);
        }
        if (record.problem().empty()) add_ranking(out, record, std::move(r));
    }
    return out;
}

FromRecord read_arena(Fields& record, const InputForm&) {
    FromRecord out;
    Conversation a = record.checked(record.messages(record.value("conversation_a")), LastMessage::answer);
    Conversation b = record.checked(record.messages(record.value("conversation_b")), LastMessage::answer);
    const std::string winner = record.text("winner");
    if (!record.problem().empty()) return out;
    Ranking r;
    r.answers = {a.back().content, b.back().content};
    if (winner.starts_with("tie")) r.ranks = {1, 1};
    else if (winner == "model_a" || winner == "model_b")
        r.ranks = {winner == "model_a" ? 1 : 2, winner == "model_a" ? 2 : 1};
    else record.fail("the winner is neither model_a, model_b nor a tie");
    r.rater = record.has("judge") ? text_of_json(record.value("judge")) : "";
    a.pop_back();
    b.pop_back();
    r.prompt = a;
    if (a != b) ++out.skipped["the two conversations part before the last answer"];
    else if (record.problem().empty()) add_ranking(out, record, std::move(r));
    return out;
}

}  // namespace

std::vector<Format> exported_formats() {
    return {
        {"arena", Kind::ranking,
         [](const Json& r) {
             return r.contains("conversation_a") && r.contains("conversation_b") && r.contains("winner");
         },
         read_arena},
        {"label-studio", Kind::ranking,
         [](const Json& r) { return r.contains("data") && r["data"].is_object() && r.contains("annotations"); },
         read_label_studio},
        {"argilla", Kind::ranking,
         [](const Json& r) {
             if (r.contains("fields") && r.contains("responses")) return true;
             return !r.contains("ranks") && ranking_question(r) != nullptr;
         },
         read_argilla},
    };
}

}  // namespace gradus
