#pragma once
// The formats of data sets: one JSON object per record.
//
//   messages           {"messages": [{"role": "user", "content": "…"}, …]}    OpenAI, Hugging Face
//   sharegpt           {"conversations": [{"from": "human", "value": "…"}, …]}, optional "system"
//   alpaca             {"instruction", "input", "output"}, or "instances": a list of {"input", "output"}
//   dolly              {"instruction", "context", "response"}
//   prompt-completion  {"prompt", "completion"} or {"question", "answer"}
//   hh                 {"chosen", "rejected"}: transcripts "\n\nHuman: …\n\nAssistant: …"    Anthropic HH
//   preference         {"prompt", "chosen", "rejected"}, optional "margin". Without "prompt", chosen and rejected are
//                      conversations with the same beginning                                  TRL, UltraFeedback
//   ranking            {"prompt" or "messages", "answers", "ranks", "rater", "time", "seconds", "order", "simulated"}
//   label-studio       tasks with annotations of the tags Ranker or Pairwise
//   argilla            records with a ranking question
//   arena              {"conversation_a", "conversation_b", "winner"}                         Chatbot Arena
//   unpaired           {"prompt", "completion", "label": true}                                KTO
//   prompts            {"prompt"}, {"question"} or {"messages"}, optional "answer"
//   text               {"text"}
//
// Prompts and answers are texts or lists of messages; a prompt may also be a transcript.
// A record with an input ("input", "context") becomes a user message of instruction, input heading and input.
#include <map>
#include <string>
#include <vector>

#include "align/examples/example.h"
#include "align/examples/fields.h"

namespace gradus {

// How an instruction with an input becomes messages (ChatTemplate::input_heading, input_system).
struct InputForm {
    std::string heading = "\n\n", system;
};

struct FromRecord {
    std::vector<Example> examples;
    std::map<std::string, int> skipped;  // reason → examples that the record holds but that cannot be used
};

struct Format {
    const char* name;
    Kind kind;
    bool (*fits)(const Json& record);  // by its keys
    FromRecord (*read)(Fields& record, const InputForm& form);
};

// In the order in which detection tries them: a record that fits several is of the first.
const std::vector<Format>& formats();
const Format& format_named(const std::string& name);  // Error with the names there are
const Format* format_of(const Json& record);          // nullptr: none fits
std::string format_names();

// What the parts of the list are, each in a file of its own.
std::vector<Format> chat_formats();      // messages, sharegpt, alpaca, dolly, prompt-completion, prompts, text
std::vector<Format> judged_formats();    // hh, preference, ranking, unpaired
std::vector<Format> exported_formats();  // label-studio, argilla, arena

// Adds a preference or a ranking, unless it has nothing to learn from: then the reason is counted.
void add_preference(FromRecord& out, Preference preference);
void add_ranking(FromRecord& out, Fields& record, Ranking ranking);

}  // namespace gradus
