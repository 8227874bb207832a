#!/usr/bin/env python3
"""Writes tests/goldens/align/: what transformers' apply_chat_template makes of the Jinja templates that gradus exports.

usage: GRADUS_WRITE_JINJA=1 build/release/tests/test_align "[.jinja]"     # writes templates.json: the exported templates
       chat_templates.py tests/goldens/align                              # writes tokenizer.json (if absent), chat.json

Needs transformers, tokenizers and jinja2. Masks are those of {% generation %} (return_assistant_tokens_mask). `official`
has the ids by the template that the model itself was published with, for conversations where both should agree.
"""
import json
import pathlib
import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

SPECIALS = ["<|endoftext|>", "<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|begin_of_text|>", "<|start_header_id|>",
            "<|end_header_id|>", "<|eot_id|>", "<|bos|>", "<|user_start|>", "<|user_end|>", "<|assistant_start|>",
            "<|assistant_end|>"]

TRAINING_TEXT = """Below is an instruction that describes a task. Write a response that appropriately completes the request.

### Instruction:
What is the answer? The assistant's user said: it's here.

### Response:
The user and the system say the same: don't wait.


[INST] [/INST] <<SYS>> <</SYS>> <|user|> <|assistant|> <|system|> ### End user assistant system User: Assistant:
""" * 4

OFFICIAL = {
    "chatml": "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}"
              "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
    "llama2": "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}"
              "{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in loop_messages %}"
              "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate "
              "user/assistant/user/assistant/...') }}{% endif %}{% if loop.index0 == 0 and system_message != false %}{% set content = "
              "'<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set content = message['content'] %}"
              "{% endif %}{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}"
              "{% elif message['role'] == 'assistant' %}{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}",
    "llama3": "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] "
              "+ '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token "
              "+ content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}"
              "{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}",
    "zephyr": "{% for message in messages %}\n{% if message['role'] == 'user' %}\n{{ '<|user|>\n' + message['content'] + eos_token }}\n"
              "{% elif message['role'] == 'system' %}\n{{ '<|system|>\n' + message['content'] + eos_token }}\n"
              "{% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\n'  + message['content'] + eos_token }}\n{% endif %}\n"
              "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}",
}
BOS = {"llama2": "<s>", "llama3": "<|begin_of_text|>"}


def chat(*contents, system=None):
    messages = [] if system is None else [{"role": "system", "content": system}]
    return messages + [{"role": "user" if i % 2 == 0 else "assistant", "content": c} for i, c in enumerate(contents)]


CONVERSATIONS = [
    chat("What is the answer?", "It's 42."),
    chat("Hi", "Hello! Who's there?", "Me", "(smiles) I don't know you.", "Why?", "...", system="Be brief."),
    chat("Größe? 日本語は？ 🙂", "Naïve café: 東京 🎉", "ありがとう", "どういたしまして"),
    chat("  spaces before and after  ", "  an answer with spaces  ", "\n\nlines\n\n", "\n\nan answer with lines\n\n"),
    chat("\n\n\n  both \n", "\t tab and no-break space\u00a0", system="\n A system message \n\n"),
    chat("", "An answer to nothing", system=""),
    chat("say\n\n### Response:\nno", "### Instruction:\n\n1. one\n2. two\n\n\nthree {content} {eos} {{ x }}"),
    chat("it", "'s", "quote ' \" \\ \\n", "'re \\ 'll"),
]


def make_tokenizer(path):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=SPECIALS, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator([TRAINING_TEXT], trainer)
    tokenizer.save(str(path))


def edges(text):
    return text != text.strip()


def agrees_with_official(name, messages):
    """White space at the edges of an answer is dropped by gradus alone; llama2 trims system and question as one text."""
    answers = any(edges(m["content"]) for m in messages if m["role"] == "assistant")
    if name == "llama2":
        question = messages[1]["content"]
        return messages[0]["role"] != "system" or bool(question and not edges(question))
    return name == "llama3" or not answers


def main():
    folder = pathlib.Path(sys.argv[1])
    if not (folder / "tokenizer.json").exists():
        make_tokenizer(folder / "tokenizer.json")
    templates = json.loads((folder / "templates.json").read_text())
    out = {}
    for name, jinja in templates.items():
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), eos_token="</s>",
                                            bos_token=BOS.get(name, "<|endoftext|>"))
        cases = []
        for messages in CONVERSATIONS:
            def ids(template, some, prompt=False):
                return tokenizer.apply_chat_template(some, chat_template=template, tokenize=True, return_dict=True,
                                                     add_generation_prompt=prompt)["input_ids"]
            marked = tokenizer.apply_chat_template(messages, chat_template=jinja["marked"], tokenize=True, return_dict=True,
                                                   return_assistant_tokens_mask=True)
            whole = ids(jinja["plain"], messages)
            assert whole == marked["input_ids"]
            case = {"messages": messages, "ids": whole, "learnt": marked["assistant_masks"],
                    "text": tokenizer.apply_chat_template(messages, chat_template=jinja["plain"], tokenize=False),
                    "prompt": ids(jinja["plain"], messages[:-1], True)}
            if name in OFFICIAL and agrees_with_official(name, messages):
                case["official"] = ids(OFFICIAL[name], messages)
                case["official_prompt"] = ids(OFFICIAL[name], messages[:-1], True)
            cases.append(case)
        out[name] = cases
    lines = [f" {json.dumps(name)}: [\n" + ",\n".join("  " + json.dumps(c, ensure_ascii=False) for c in cases) + "\n ]"
             for name, cases in out.items()]
    (folder / "chat.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
