#include "align/template/presets.h"

namespace gradus {

namespace {

ChatTemplate chatml() {
    ChatTemplate t;
    t.name = "chatml";
    t.system = "<|im_start|>system\n{content}<|im_end|>\n";
    t.user = "<|im_start|>user\n{content}<|im_end|>\n";
    t.assistant = "<|im_start|>assistant\n{content}<|im_end|>\n";
    t.end_of_turn = "<|im_end|>";
    t.trim = {"assistant"};
    t.markers = {"<|im_start|>", "<|im_end|>"};
    return t;
}

ChatTemplate llama2() {
    ChatTemplate t;
    t.name = "llama2";
    t.first_user = "{bos}[INST] <<SYS>>\n{system}\n<</SYS>>\n\n{content} [/INST]";
    t.user = "{bos}[INST] {content} [/INST]";
    t.assistant = " {content} {eos}";
    t.end_of_turn = "{eos}";
    t.trim = {"user", "assistant"};
    return t;
}

ChatTemplate llama3() {
    ChatTemplate t;
    t.name = "llama3";
    t.opening = "<|begin_of_text|>";
    t.system = "<|start_header_id|>system<|end_header_id|>\n\n{content}<|eot_id|>";
    t.user = "<|start_header_id|>user<|end_header_id|>\n\n{content}<|eot_id|>";
    t.assistant = "<|start_header_id|>assistant<|end_header_id|>\n\n{content}<|eot_id|>";
    t.end_of_turn = "<|eot_id|>";
    t.trim = {"system", "user", "assistant"};
    t.markers = {"<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"};
    return t;
}

ChatTemplate zephyr() {
    ChatTemplate t;
    t.name = "zephyr";
    t.system = "<|system|>\n{content}{eos}\n";
    t.user = "<|user|>\n{content}{eos}\n";
    t.assistant = "<|assistant|>\n{content}{eos}\n";
    t.end_of_turn = "{eos}";
    t.trim = {"assistant"};
    return t;
}

ChatTemplate alpaca() {
    ChatTemplate t;
    t.name = "alpaca";
    t.system = "{content}\n\n";
    t.user = "### Instruction:\n{content}\n\n";
    t.assistant = "### Response:\n{content}{eos}";
    t.between = "\n\n";
    t.end_of_turn = "{eos}";
    t.default_system =
        "Below is an instruction that describes a task. Write a response that appropriately completes the request.";
    t.trim = {"assistant"};
    t.input_heading = "\n\n### Input:\n";
    t.input_system =
        "Below is an instruction that describes a task, paired with an input that provides further context. Write a "
        "response that appropriately completes the request.";
    return t;
}

ChatTemplate dolly() {
    ChatTemplate t = alpaca();
    t.name = "dolly";
    t.assistant = "### Response:\n{content}\n\n### End{eos}";
    t.input_heading = "\n\nInput:\n";
    t.input_system.clear();
    return t;
}

ChatTemplate nanochat() {
    ChatTemplate t;
    t.name = "nanochat";
    t.opening = "<|bos|>";
    t.first_user = "<|user_start|>{system}\n\n{content}<|user_end|>";
    t.user = "<|user_start|>{content}<|user_end|>";
    t.assistant = "<|assistant_start|>{content}<|assistant_end|>";
    t.end_of_turn = "<|assistant_end|>";
    t.markers = {"<|bos|>", "<|user_start|>", "<|user_end|>", "<|assistant_start|>", "<|assistant_end|>"};
    return t;
}

ChatTemplate plain() {
    ChatTemplate t;
    t.name = "plain";
    t.system = "{content}\n\n";
    t.user = "User: {content}\n";
    t.assistant = "Assistant: {content}{eos}";
    t.between = "\n";
    t.end_of_turn = "{eos}";
    t.trim = {"system", "user", "assistant"};
    return t;
}

}  // namespace

const std::vector<ChatTemplate>& preset_templates() {
    static const std::vector<ChatTemplate> all = {chatml(), llama2(), llama3(),   zephyr(),
                                                  alpaca(), dolly(),  nanochat(), plain()};
    return all;
}

const ChatTemplate* preset_template(std::string_view name) {
    for (const ChatTemplate& t : preset_templates())
        if (t.name == name) return &t;
    return nullptr;
}

std::vector<std::string> preset_names() {
    std::vector<std::string> names;
    for (const ChatTemplate& t : preset_templates()) names.push_back(t.name);
    return names;
}

}  // namespace gradus
