#!/usr/bin/env python3
"""Writes tests/goldens/folders/: folders saved by transformers with its own defaults, and what it computes from them.

    python3 tools/generate/folder_goldens.py [FOLDER]

gpt2, llama     GPT2Config's and LlamaConfig's defaults except for the sizes, with a vocabulary of 311 and a tokenizer of 309;
                config.json, generation_config.json, model.safetensors, tokenizer.json (made by the library tokenizers,
                saved after a call with padding and truncation), tokenizer_config.json
text.txt        the text of the tokenizer and of the loss
golden.json     for each folder, from the same weights in double precision:
  ids             of the text, without what the tokenizer adds
  nats_per_token  mean cross-entropy of the text, in windows of `context` tokens that do not overlap
  greedy          prompt -> the next NEW ids; the prompt begins with what the tokenizer adds
  next            prompt -> logits of the first of them

GPT2Config's default eos_token_id, 50256, is outside the vocabulary here, as in any small GPT-2. The script refuses
to write if rounding could change a greedy token.
"""
import json
import pathlib
import sys

import torch
import torch.nn.functional as F
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

V, TOKENS, CONTEXT, NEW, MARGIN = 311, 309, 24, 12, 1e-3
TEXT = """A step is taken, and then another step; the road is made by walking.
Twenty-three cats can't see 1,024 dogs' shadows at 7:45 -- naïve, isn't it?
\tTabs,  two spaces, 漢字 and the end.
"""
PROMPTS = ["A step", "the road is", "naïve 漢"]


def tokenizer(specials, first=None):
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=TOKENS, special_tokens=specials, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    made.train_from_iterator([TEXT], trainer)
    assert made.get_vocab_size() == TOKENS
    if first:
        made.post_processor = processors.TemplateProcessing(
            single=f"{first} $A", pair=f"{first} $A {first} $B", special_tokens=[(first, made.token_to_id(first))])
    return made


def gpt2(**more):
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(vocab_size=V, n_layer=1, n_embd=16, n_head=2, **more))
    return model, transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer(["<|endoftext|>"]), bos_token="<|endoftext|>", eos_token="<|endoftext|>", pad_token="<|endoftext|>")


def llama(**more):
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(
        vocab_size=V, num_hidden_layers=1, hidden_size=16, intermediate_size=24, num_attention_heads=2, **more))
    return model, transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer(["<unk>", "<s>", "</s>"], "<s>"), bos_token="<s>", eos_token="</s>", pad_token="</s>")


def scramble(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in model.parameters():
            scale = 0.2 if p.dim() == 1 else 0.3 if V in p.shape else 0.8
            p.copy_(torch.randn(p.shape, generator=generator) * scale + (1.0 if p.dim() == 1 else 0.0))
    return model.eval()


def save(folder, model, words):
    words(["a", "a longer text than that"], padding=True, truncation=True, max_length=6)
    model.save_pretrained(folder)
    words.save_pretrained(folder)


def mean_loss(model, ids, context):
    total = 0.0
    with torch.no_grad():
        for first in range(0, len(ids) - 1, context):
            window = torch.tensor([ids[first:first + context + 1]])
            logits = model(window[:, :-1]).logits[0]
            total += F.cross_entropy(logits, window[0, 1:], reduction="sum").item()
    return total / (len(ids) - 1)


def margin_of(model, ids):
    with torch.no_grad():
        best = torch.topk(model(torch.tensor([ids])).logits[0, -1], 2).values
    return (best[0] - best[1]).item()


def greedy(model, ids, new=NEW):
    made = model.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), do_sample=False,
                          max_new_tokens=new, pad_token_id=0)[0].tolist()
    return made[len(ids):]


def main():
    transformers.utils.logging.disable_progress_bar()
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "tests/goldens/folders")
    golden = {}
    for name, (build, seed) in {"gpt2": (gpt2, 20), "llama": (llama, 48)}.items():
        model, words = build()
        scramble(model, seed)
        save(root / name, model, words)
        words = transformers.AutoTokenizer.from_pretrained(root / name)
        double = transformers.AutoModelForCausalLM.from_pretrained(root / name, dtype=torch.float64).eval()
        ids = words(TEXT, add_special_tokens=False).input_ids
        entry = golden[name] = {"ids": ids, "context": CONTEXT, "nats_per_token": mean_loss(double, ids, CONTEXT),
                                "new": NEW, "greedy": {}, "next": {}}
        for prompt in PROMPTS:
            given = words(prompt).input_ids
            more = greedy(double, given)
            for i in range(len(more)):
                assert margin_of(double, given + more[:i]) > MARGIN, "rounding could change a greedy token"
            assert len(set(more)) > 3, f"{name} repeats itself: choose another seed"
            entry["greedy"][prompt] = more
            with torch.no_grad():
                entry["next"][prompt] = double(torch.tensor([given])).logits[0, -1].float().tolist()
    (root / "text.txt").write_text(TEXT)
    (root / "golden.json").write_text(json.dumps(golden, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
