#pragma once
// The data of supervised fine-tuning: demonstrations of sft.data, as a chat template writes them, packed into rows.
#include "engine/checkpoint/checkpoint.h"
#include "tools/train/data.h"

namespace gradus {

// A model to align: the folder with its weights, its tokenizer, and the template that conversations are written with: `named`, or
// else the folder's own. Error if there is neither, or if the tokenizer cannot express the template.
struct ChatModel {
    fs::path folder;
    std::string tokenizer_text;
    ChatEncoder chat;
};
ChatModel open_chat_model(const std::string& model, const std::string& named_template, const std::string& stage);

// The tokenizer is that of model.from. Sets train.context to the model's, and train.steps to sft.epochs, where they are not set.
RunData open_demonstrations(Config&);

// What a stage needs of a file of examples, for errors.
Needs needs_of(Stage, Kind);

// A hash of a conversation's text in [0, 1), which alone decides whether an example validates.
double share_of_text(const Conversation&);

// What a checkpoint holds of the template.
void add_chat_template(SaveOptions&, const ChatEncoder&, const ModelConfig&);

// Demonstrations of a data set, the first `count` of them, for --check-data.
void show_demonstrations(Config, int64_t count, bool json);

}  // namespace gradus
