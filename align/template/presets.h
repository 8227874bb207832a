#pragma once
// The chat templates that gradus knows by name. Every one is a ChatTemplate and nothing more.
//
//   chatml    <|im_start|>ROLE … <|im_end|>            OpenAI; Qwen and many others
//   llama2    <s>[INST] … [/INST] … </s>               Llama 2 chat; the system message is in the first user message
//   llama3    <|start_header_id|>ROLE<|end_header_id|>  Llama 3
//   zephyr    <|user|> … </s>                          HuggingFaceH4/zephyr-7b
//   alpaca    ### Instruction: … ### Response: …       Stanford Alpaca; any tokenizer with an end-of-text
//   dolly     ### Instruction: … ### End               Databricks Dolly; any tokenizer with an end-of-text
//   nanochat  <|user_start|> … <|user_end|>            nanochat; the system message opens the first user message
//   plain     User: … Assistant: …                     any tokenizer with an end-of-text
//
// Ids are those of the models' own templates, except that white space around an answer is always dropped where the text
// before it ends in white space.
#include <string>
#include <string_view>
#include <vector>

#include "align/template/chat_template.h"

namespace gradus {

const std::vector<ChatTemplate>& preset_templates();
const ChatTemplate* preset_template(std::string_view name);  // nullptr: there is none of that name
std::vector<std::string> preset_names();

}  // namespace gradus
