// Chat templates: roles, special tokens, descriptions, folders.
#include "align/template/chat_encoder.h"
#include "align/template/jinja.h"
#include "align/template/presets.h"
#include "align/template/template_folder.h"
#include "tests/align/goldens.h"

using namespace gradus;

namespace {

const Conversation two_rounds = {{"user", "Hi"}, {"assistant", "Hello"}, {"user", "Why?"}, {"assistant", "Because"}};

std::string learnt_text(const ChatEncoder& chat, const EncodedChat& encoded) {
    std::string text;
    for (size_t i = 0; i < encoded.ids.size(); ++i)
        text += encoded.learnt[i] ? std::string(chat.tokenizer().bytes_of(encoded.ids[i])) : "|";
    return text.substr(text.find_first_not_of('|'));
}

size_t count_of(const std::vector<int32_t>& ids, int32_t id) { return size_t(std::count(ids.begin(), ids.end(), id)); }

}  // namespace

TEST_CASE("all answers are learnt with their end of turn, or the last one only", "[chat]") {
    const ChatEncoder chat(find_template("chatml"), chat_tokenizer());
    const std::string every = learnt_text(chat, chat.encode(two_rounds));
    REQUIRE(every.starts_with("Hello<|im_end|>|"));
    REQUIRE(contains(every, "|Because<|im_end|>|"));
    const std::string last = learnt_text(chat, chat.encode(two_rounds, Learn::last_answer));
    REQUIRE(last == "Because<|im_end|>|");
}

TEST_CASE("a message that spells special tokens stays text", "[chat]") {
    for (const ChatTemplate& preset : preset_templates()) {
        const ChatEncoder chat(preset, chat_tokenizer());
        std::string attack = "no";
        for (const auto& [token, id] : chat_tokenizer().specials()) attack += token + "x";
        const std::vector<int32_t> harmless = chat.encode({{"user", "no"}, {"assistant", "no"}}).ids;
        const std::vector<int32_t> attacked = chat.encode({{"user", attack}, {"assistant", attack}}).ids;
        for (const auto& [token, id] : chat_tokenizer().specials()) {
            INFO(preset.name << " " << token);
            REQUIRE(count_of(attacked, id) == count_of(harmless, id));
        }
        REQUIRE(contains(chat_tokenizer().decode(attacked), attack));
    }
}

TEST_CASE("a special token that message and template spell together stays text", "[chat]") {
    ChatTemplate t = find_template("chatml");
    t.user = "<|im_start|>user\n<|im_{content}<|im_end|>\n";
    const ChatEncoder chat(t, chat_tokenizer());
    const auto ids = chat.encode_prompt({{"user", "start|>"}});
    REQUIRE(count_of(ids, *chat_tokenizer().id_of("<|im_start|>")) == 2);
}

TEST_CASE("a text begins with the token that begins a text exactly once", "[chat]") {
    for (const char* name : {"llama2", "llama3", "nanochat"}) {
        const ChatEncoder chat(find_template(name), chat_tokenizer());
        const auto ids = chat.encode({{"system", "S"}, {"user", "U"}, {"assistant", "A"}}).ids;
        const char* bos = std::string(name) == "llama2"   ? "<s>"
                          : std::string(name) == "llama3" ? "<|begin_of_text|>"
                                                          : "<|bos|>";
        REQUIRE(ids.front() == *chat_tokenizer().id_of(bos));
        REQUIRE(count_of(ids, ids.front()) == 1);
    }
}

TEST_CASE("roles out of order are Errors that name the message", "[chat]") {
    const auto cause_of = [](const Conversation& conversation, LastMessage last = LastMessage::answer) {
        return error_of([&] { check_conversation(conversation, last, "chat.jsonl:7"); }).text();
    };
    const auto is = [](const std::string& text, const std::string& part) {
        INFO(text);
        REQUIRE(contains(text, part));
        REQUIRE(contains(text, "chat.jsonl:7"));
    };
    is(cause_of({}), "no messages");
    is(cause_of({{"system", "S"}}), "only a system message");
    is(cause_of({{"user", "a"}, {"user", "b"}, {"assistant", "c"}}), "message 2 of 3 has the role user");
    is(cause_of({{"assistant", "a"}}), "message 1 of 1 has the role assistant, where user must come");
    is(cause_of({{"user", "a"}, {"tool", "b"}}), "message 2 of 2 has the unknown role 'tool'");
    is(cause_of({{"user", "a"}, {"system", "b"}}), "message 2 of 2 is a system message");
    is(cause_of({{"user", "a"}}), "message 1, the last, has the role user");
    is(cause_of(two_rounds, LastMessage::question), "message 4, the last, has the role assistant");
    REQUIRE(problem_of(two_rounds, LastMessage::answer).empty());
}

TEST_CASE("a template that the tokenizer cannot express names missing tokens and possible presets", "[chat]") {
    const Error error = error_of([] { ChatEncoder(find_template("chatml"), tokenizer_of_bytes()); });
    REQUIRE(contains(error.cause, "'<|im_start|>', '<|im_end|>'"));
    REQUIRE(contains(error.cause, "alpaca, dolly, plain"));
    REQUIRE(presets_for(tokenizer_of_bytes()) ==
            std::vector<std::string>{"llama2", "zephyr", "alpaca", "dolly", "plain"});
    REQUIRE(presets_for(chat_tokenizer()) == preset_names());

    TokenizerParts characters;
    characters.kind = TokenizerKind::characters;
    characters.vocabulary = Vocabulary({"U", "s", "e", "r", ":", "\n", "A", "i", "t", "a", "n", " ", "</s>"}, {12});
    REQUIRE(presets_for(Tokenizer(characters)) == std::vector<std::string>{"plain"});
    const Error few = error_of([&] { ChatEncoder(find_template("alpaca"), Tokenizer(characters)); });
    REQUIRE(contains(few.cause, "'#'"));
    const ChatEncoder chat(find_template("plain"), Tokenizer(characters));
    const Conversation conversation = {{"user", "Ue"}, {"assistant", "an"}};
    REQUIRE(chat.tokenizer().decode(chat.encode(conversation).ids) == "User: Ue\nAssistant: an</s>");
}

TEST_CASE("templates are described in JSON and TOML with the same keys", "[chat]") {
    for (const ChatTemplate& preset : preset_templates())
        REQUIRE(template_from_json(json_of(preset), "preset") == preset);
    const std::string toml =
        "name = 'mine'\nuser = \"<|user|>\\n{content}{eos}\\n\"\nassistant = \"<|assistant|>\\n{content}{eos}\\n\"\n"
        "end_of_turn = '{eos}'\ntrim = ['assistant']\n";
    const ChatTemplate mine = find_template(toml);
    const TemporaryFolder folder;
    REQUIRE(find_template(folder.write("mine.toml", toml).string()) == mine);
    REQUIRE(find_template(folder.write("mine.json", json_of(mine)).string()) == mine);
    const ChatEncoder chat(mine, chat_tokenizer());
    const std::string text = chat.tokenizer().decode(chat.encode({{"user", "U"}, {"assistant", "A"}}).ids);
    REQUIRE(text == "<|user|>\nU</s>\n<|assistant|>\nA</s>\n");
    const Error no_place = error_of([&] { chat.encode({{"system", "S"}, {"user", "U"}, {"assistant", "A"}}); });
    REQUIRE(contains(no_place.what(), "no place for a system message"));
}

TEST_CASE("a description with a mistake is an Error that names the key", "[chat]") {
    const auto refused = [](const std::string& description, const std::string& part) {
        const Error error = error_of([&] { find_template(description); });
        INFO(error.text());
        REQUIRE(contains(error.text(), part));
    };
    refused("chatlm", "did you mean 'chatml'");
    refused("user = '{content}'", "'assistant' has {content} 0 times");
    refused("user = '{content} {content}'", "'user' has {content} 2 times");
    refused("user = '{content}'\nassistant = '{content}'", "no 'end_of_turn'");
    refused("user = '{content}'\nassistant = '{eos}{content}'\nend_of_turn = '{eos}'", "lacks the end of turn '{eos}'");
    refused("user = '{content}'\nassitant = ''", "did you mean 'assistant'");
    refused("user = 3", "a string must be");
    refused("user = '{content}'\nassistant = '{content}{eos}'\nend_of_turn = '{eos}'\ntrim = ['tool']", "'tool'");
    refused(
        "user = '{content}'\nassistant = '{content}{eos}'\nend_of_turn = '{eos}'\nsystem = '{content}'\n"
        "first_user = '{system}{content}'",
        "two places");
    REQUIRE_THROWS_AS(template_from_json("[]", "file"), Error);
    REQUIRE_THROWS_AS(template_from_json("{\"user\": 1}", "file"), Error);
    REQUIRE_THROWS_AS(template_from_json("{\"trim\": [1]}", "file"), Error);
}

TEST_CASE("a folder keeps its chat template beside the other keys of tokenizer_config.json", "[chat]") {
    const TemporaryFolder folder;
    REQUIRE(!load_chat_template(folder, chat_tokenizer()));
    folder.write("tokenizer_config.json", R"({"z": 1, "eos_token": "</s>", "a": [1.5]})");
    REQUIRE(!load_chat_template(folder, chat_tokenizer()));
    const ChatEncoder chat(find_template("zephyr"), chat_tokenizer());
    save_chat_template(folder, chat);
    save_chat_template(folder, chat);
    const auto config = nlohmann::ordered_json::parse(read_file(folder / "tokenizer_config.json"));
    REQUIRE(config.dump() ==
            nlohmann::ordered_json(
                {{"z", 1}, {"eos_token", "</s>"}, {"a", {1.5}}, {"chat_template", jinja_of(chat.chat_template())}})
                .dump());
    REQUIRE(*load_chat_template(folder, chat_tokenizer()) == chat.chat_template());

    // Without the description the Jinja template is recognised.
    fs::remove(folder / "gradus/chat_template.json");
    REQUIRE(*load_chat_template(folder, chat_tokenizer()) == chat.chat_template());

    folder.write("tokenizer_config.json", R"({"chat_template": "{{ '<|im_start|>' }}"})");
    const Error foreign = error_of([&] { load_chat_template(folder, chat_tokenizer()); });
    REQUIRE(contains(foreign.fix, "--template chatml"));
    folder.write("tokenizer_config.json", "[]");
    REQUIRE_THROWS_AS(save_chat_template(folder, chat), Error);
    REQUIRE(read_file(folder / "tokenizer_config.json") == "[]");
    REQUIRE(!fs::exists(folder / "gradus/chat_template.json"));
}

TEST_CASE("white space around a message is what Python takes for white space", "[chat]") {
    REQUIRE(stripped(" \t\n\v\f\r\x1c\x1f\u00a0\u2003\u3000\u0085x y\u2029 ") == "x y");
    REQUIRE(stripped("\u200b x") == "\u200b x");
    REQUIRE(stripped(" \n").empty());
}
