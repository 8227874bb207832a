// Chat templates against transformers: tools/generate/chat_templates.py made the golden files.
#include <cstdlib>

#include "align/template/chat_encoder.h"
#include "align/template/jinja.h"
#include "align/template/presets.h"
#include "tests/align/goldens.h"

using namespace gradus;

namespace {

nlohmann::ordered_json exported_templates() {
    nlohmann::ordered_json all;
    for (const ChatTemplate& preset : preset_templates()) {
        const ChatEncoder chat(preset, chat_tokenizer());
        all[preset.name] = {{"plain", jinja_of(chat.chat_template())},
                            {"marked", jinja_of(chat.chat_template(), Answers::marked)}};
    }
    return all;
}

template <class Run>
void for_each_golden(Run run) {
    const auto all = nlohmann::json::parse(read_file(align_golden("chat.json")));
    REQUIRE(all.size() == preset_templates().size());
    for (const auto& [name, cases] : all.items()) {
        const ChatEncoder chat(find_template(name), chat_tokenizer());
        REQUIRE(cases.size() >= 8);
        for (const auto& golden : cases) {
            INFO(name << " " << golden["messages"]);
            run(chat, conversation_of(golden["messages"]), golden);
        }
    }
}

using Ids = std::vector<int32_t>;

}  // namespace

TEST_CASE("the exported Jinja templates are those that transformers rendered", "[chat]") {
    REQUIRE(exported_templates() == nlohmann::ordered_json::parse(read_file(align_golden("templates.json"))));
}

TEST_CASE("write the exported Jinja templates for tools/generate/chat_templates.py", "[.jinja]") {
    REQUIRE(std::getenv("GRADUS_WRITE_JINJA") != nullptr);
    write_file_atomically(align_golden("templates.json"), exported_templates().dump(1) + "\n");
}

TEST_CASE("ids, loss mask and text of every template are those of transformers", "[chat]") {
    for_each_golden([](const ChatEncoder& chat, const Conversation& conversation, const nlohmann::json& golden) {
        const EncodedChat encoded = chat.encode(conversation);
        REQUIRE(encoded.ids == golden["ids"].get<Ids>());
        REQUIRE(encoded.learnt == golden["learnt"].get<std::vector<uint8_t>>());
        REQUIRE(chat.tokenizer().decode(encoded.ids) == golden["text"].get<std::string>());
        REQUIRE(text_of(segments_of(conversation, chat.chat_template(), LastMessage::answer)) == golden["text"]);
    });
}

TEST_CASE("prompts are those of transformers unless its tokenizer merges the line ends of the header", "[chat]") {
    int differing = 0;
    for_each_golden([&](const ChatEncoder& chat, Conversation conversation, const nlohmann::json& golden) {
        conversation.pop_back();
        const Ids prompt = chat.encode_prompt(conversation), golden_prompt = golden["prompt"].get<Ids>();
        REQUIRE(chat.tokenizer().decode(prompt) == chat.tokenizer().decode(golden_prompt));
        REQUIRE((prompt != golden_prompt) == chat.header_differs_in_transformers());
        differing += prompt != golden_prompt;
    });
    REQUIRE(differing == 8);  // llama3
}

TEST_CASE("a conversation begins with the ids of its prompt, bit for bit", "[chat]") {
    for_each_golden([&](const ChatEncoder& chat, Conversation conversation, const nlohmann::json&) {
        const EncodedChat encoded = chat.encode(conversation, Learn::last_answer);
        conversation.pop_back();
        const Ids prompt = chat.encode_prompt(conversation);
        REQUIRE(prompt.size() < encoded.ids.size());
        REQUIRE(std::equal(prompt.begin(), prompt.end(), encoded.ids.begin()));
        for (size_t i = 0; i < prompt.size(); ++i) REQUIRE(encoded.learnt[i] == 0);
        REQUIRE(encoded.learnt[prompt.size()] == 1);
    });
}

TEST_CASE("chatml, llama2, llama3 and zephyr give the ids of the models' own templates", "[chat]") {
    int compared = 0;
    for_each_golden([&](const ChatEncoder& chat, const Conversation& conversation, const nlohmann::json& golden) {
        if (!golden.contains("official")) return;
        REQUIRE(chat.encode(conversation).ids == golden["official"].get<Ids>());
        REQUIRE(golden["prompt"] == golden["official_prompt"]);
        ++compared;
    });
    REQUIRE(compared >= 24);
}

TEST_CASE("the message is found again in what a model writes after a prompt", "[chat]") {
    for_each_golden([&](const ChatEncoder& chat, Conversation conversation, const nlohmann::json&) {
        Ids ids = chat.encode(conversation).ids;
        std::string message = conversation.back().content;
        if (chat.chat_template().trims("assistant")) message = stripped(message);
        conversation.pop_back();
        ids.erase(ids.begin(), ids.begin() + std::ptrdiff_t(chat.encode_prompt(conversation).size()));
        const Answer answer = chat.answer_of(ids);
        REQUIRE(answer.ended);
        REQUIRE(answer.text == message);
    });
}
