#!/usr/bin/env python3
"""Checks that gradus reads folders as transformers does.

    python3 tools/compare/folders_in_gradus.py PROGRAM [--seeds 3]        PROGRAM: the gradus to test

Makes small random models from GPT2Config's and LlamaConfig's defaults with an odd vocabulary (folder_goldens.py of
tools/generate) and changes their folders: heads tied, not tied, declared as tied, stored alone; names with and without
prefix; masks and rotary tables of older versions; every form of eos_token_id; the parts of tokenizer.json; vocab.json and
merges.txt with the files next to them; dtypes and shards. For each folder, and for the one that `gradus convert` makes of it,
the loss of a text, the ids of texts and greedy continuations must equal those of transformers. Prints one line per folder and
the number of comparisons; exit status 1 if one differs.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "generate"))
import folder_goldens as base
import torch
import transformers
from safetensors.torch import load_file, save_file

TEXTS = [line for line in base.TEXT.split("\n") if line] + ["", " ", "<|endoftext|>"[:-1] + " >", "a<x>b<y> ", "</s"]
END = {"gpt2": "<|endoftext|>", "llama": "</s>"}
compared, failures = 0, []


def check(what, ours, theirs, tolerance=None):
    global compared
    compared += 1
    good = ours == theirs if tolerance is None else abs(ours - theirs) <= tolerance
    if not good:
        failures.append(what)
        print(f"DIFFERENT  {what}: {ours} instead of {theirs}")


def edited(path, **changes):
    content = json.loads(path.read_text()) if path.exists() else {}
    for key, value in changes.items():
        if value is Ellipsis:
            content.pop(key, None)
        else:
            content[key] = value
    path.write_text(json.dumps(content))


def tensors(folder, change):
    file = folder / "model.safetensors"
    weights = load_file(file)
    weights = change(weights) or weights
    save_file({n: t.contiguous().clone() for n, t in weights.items()}, file, metadata={"format": "pt"})


def names_of(kind):
    prefix = {"gpt2": "transformer.", "llama": "model."}[kind]
    return prefix, prefix + {"gpt2": "wte.weight", "llama": "embed_tokens.weight"}[kind]


def saved_again(part, **options):
    def change(f):
        model = transformers.AutoModelForCausalLM.from_pretrained(f)
        (f / "model.safetensors").unlink()
        part(model).save_pretrained(f, **options)
    return change


def weight_variants(kind):
    prefix, embedding = names_of(kind)
    head = "lm_head.weight"

    def config(**changes):
        return lambda f: edited(f / "config.json", **changes)

    def both(*steps):
        return lambda f: [step(f) for step in steps]

    def weights(change):
        return lambda f: tensors(f, change)

    def other_head(w):
        w[head] = w[embedding] * 0.5 + 0.1 * torch.randn_like(w[embedding])

    def copy_head(w):
        w[head] = w[embedding]

    def only_head(w):
        w[head] = w.pop(embedding)

    def only_embedding(w):
        w.pop(head, None)

    def bare(w):
        return {n.removeprefix(prefix): t for n, t in w.items()}

    def half(w):
        return {n.removeprefix(prefix) if i % 2 else n: t for i, (n, t) in enumerate(w.items())}

    def twice(w):
        w[embedding.removeprefix(prefix)] = w[embedding]

    tied, untied, silent = (config(tie_word_embeddings=x) for x in (True, False, ...))
    yield "as saved", lambda f: None
    for said, step in (("tied", tied), ("nothing", silent)):
        yield f"a head of its own, config says {said}", both(step, weights(other_head))
        yield f"a head of its own and no prefix, config says {said}", both(step, weights(lambda w: (other_head(w), bare(w))[1]))
    yield "untied", both(untied, weights(other_head))
    yield "untied, the head a copy", both(untied, weights(copy_head))
    yield "tied, head and embedding alike", both(tied, weights(copy_head))
    yield "tied, no head", both(tied, weights(only_embedding))
    yield "tied, only the head", both(tied, weights(only_head))
    yield "tied, only the head, no prefix", both(tied, weights(lambda w: (only_head(w), bare(w))[1]))
    yield "no prefix", weights(bare)
    yield "prefixes here and there", weights(half)
    yield "the embedding under both names", weights(twice)
    for dtype in (torch.bfloat16, torch.float16, torch.float64):
        yield f"stored in {dtype}", weights(lambda w: {n: t.to(dtype) for n, t in w.items()})
    if kind == "gpt2":
        mask = torch.ones(8, 8).tril().view(1, 1, 8, 8)
        yield "a causal mask", weights(lambda w: w.update({"transformer.h.0.attn.bias": mask.to(torch.uint8)}))
        yield "a mask that is none", weights(lambda w: w.update({"transformer.h.0.attn.bias": mask + 1}))
        yield "gelu", config(activation_function="gelu")
        yield "n_inner null", config(n_inner=None)
        yield "n_positions left out", config(n_positions=...)
        yield "saved without a head", saved_again(lambda m: m.base_model)
    else:
        table = 10000.0 ** (-torch.arange(4) / 4)
        yield "rotary frequencies", weights(lambda w: w.update({"model.layers.0.self_attn.rotary_emb.inv_freq": table}))
        yield "other rotary frequencies", weights(lambda w: w.update({"model.layers.0.self_attn.rotary_emb.inv_freq": table * 2}))
        yield "rope_theta of version 4", config(rope_parameters=..., rope_theta=500.0)
    yield "shards", saved_again(lambda m: m, max_shard_size="4KB")
    for key, value in (("bos_token_id", 9999), ("pad_token_id", 9999 if kind == "gpt2" else 5), ("use_cache", False), ("unknown", [1])):
        yield f"{key} = {value}", config(**{key: value})


def eos_variants(first, third):
    none = ...
    for config, generation in ((third, none), ([first, third], none), ([9999, third], none), (9999, third), (9999, [third]),
                               (third, [9999, third]), (300, [third, first]), (third, 300), ([third], none), (None, third)):
        def change(f, config=config, generation=generation):
            edited(f / "config.json", eos_token_id=config)
            (f / "generation_config.json").unlink(missing_ok=True)
            if generation is not none:
                edited(f / "generation_config.json", eos_token_id=generation)
        yield f"eos {config} in config.json, {'no file' if generation is none else generation} beside it", change


def tokenizer_variants(kind):
    cut = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    end = {"gpt2": "<|endoftext|>", "llama": "<s>"}[kind]
    token = {"SpecialToken": {"id": end, "type_id": 0}}
    text = {"Sequence": {"id": "A", "type_id": 0}}

    def template(*pieces):
        number = 0 if kind == "gpt2" else 1
        return {"type": "TemplateProcessing", "single": list(pieces), "pair": [text, {"Sequence": {"id": "B", "type_id": 1}}],
                "special_tokens": {end: {"id": end, "ids": [number], "tokens": [end]}}}

    def whole(**changes):
        return lambda f: edited(f / "tokenizer.json", **changes)

    yield "an empty normalizer", whole(normalizer={"type": "Sequence", "normalizers": []})
    yield "a pre-tokenizer in a Sequence", whole(pre_tokenizer={"type": "Sequence", "pretokenizers": [cut]})
    yield "a decoder in a Sequence", whole(decoder={"type": "Sequence", "decoders": [cut]})
    yield "no padding, no truncation", whole(padding=None, truncation=None)
    for name, post in (("none", None), ("ByteLevel", cut), ("an empty Sequence", {"type": "Sequence", "processors": []}),
                       ("a template of the text", template(text)), ("a template with a token", template(token, text)),
                       ("two tokens", template(token, token, text)),
                       ("ByteLevel, then a template", {"type": "Sequence", "processors": [cut, template(token, text)]})):
        yield f"post-processor: {name}", whole(post_processor=post)

    def model(change):
        def edit(f):
            content = json.loads((f / "tokenizer.json").read_text())
            change(content["model"])
            (f / "tokenizer.json").write_text(json.dumps(content))
        return edit

    yield "Sequences in Sequences", whole(
        normalizer={"type": "Sequence", "normalizers": [{"type": "Sequence", "normalizers": []}]},
        pre_tokenizer={"type": "Sequence", "pretokenizers": [{"type": "Sequence", "pretokenizers": [cut]}]})
    yield "merges as strings", model(lambda m: m.update(merges=[" ".join(pair) for pair in m["merges"]]))
    yield "dropout 0, empty affixes", model(lambda m: m.update(dropout=0.0, continuing_subword_prefix="", end_of_word_suffix=""))
    for name, call in (("left", {"padding": True}), ("to a length", {"padding": "max_length", "max_length": 8, "truncation": True})):
        def padded(f, name=name, call=call):
            words = transformers.AutoTokenizer.from_pretrained(f)
            words.padding_side = "left" if name == "left" else "right"
            words(["a", "bb ccc"], **call)
            words.save_pretrained(f)
        yield "padded " + name, padded

    def added(f):
        content = json.loads((f / "tokenizer.json").read_text())
        for i, (name, special) in enumerate((("<x>", False), ("<y>", True))):
            content["added_tokens"].append({"id": base.TOKENS + i, "content": name, "single_word": False, "lstrip": False,
                                            "rstrip": False, "normalized": not special, "special": special})
        (f / "tokenizer.json").write_text(json.dumps(content))
    yield "added tokens", added


def two_files(**beside):
    def change(f):
        model = json.loads((f / "tokenizer.json").read_text())["model"]
        (f / "tokenizer.json").unlink()
        (f / "tokenizer_config.json").unlink()
        (f / "vocab.json").write_text(json.dumps(model["vocab"]))
        (f / "merges.txt").write_text("#version: 0.2\n" + "".join(" ".join(m) + "\n" for m in model["merges"]))
        for name, content in beside.items():
            (f / (name + ".json")).write_text(json.dumps(content))
    return change


def two_file_variants():
    added = {"<x>": base.TOKENS, "<y>": base.TOKENS + 1}
    decoder = {str(base.TOKENS): {"content": "<x>", "lstrip": False, "rstrip": False, "single_word": False, "normalized": True,
                                  "special": False}}
    yield "vocab.json and merges.txt", two_files()
    yield "and added_tokens.json", two_files(added_tokens=added)
    yield "and special_tokens_map.json", two_files(added_tokens=added, special_tokens_map={"eos_token": "<x>", "pad_token": "<y>"})
    yield "and tokenizer_config.json", two_files(tokenizer_config={"tokenizer_class": "GPT2Tokenizer", "added_tokens_decoder": decoder})
    yield "and add_bos_token", two_files(tokenizer_config={"tokenizer_class": "GPT2Tokenizer", "add_bos_token": True, "bos_token": "<|endoftext|>"})


def ask(program, *arguments, text=None):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, input=text)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, arguments))}\n{done.stderr}")
    return done.stdout


def compare(program, what, folder, kind, of_transformers):
    model, words, loss, continuations = of_transformers
    try:
        said = json.loads(ask(program, "eval", folder, "--text", folder.parent / "text.txt", "--context", base.CONTEXT, "--json"))
        check(f"{what}: loss", said["nats_per_token"], loss, 2e-4)
        lines = ask(program, "tokenizer", "encode", "--tokenizer", folder, text="\n".join(TEXTS) + "\n").split("\n")
        check(f"{what}: ids", [[int(i) for i in line.split()] for line in lines[:len(TEXTS)]],
              [words(t, add_special_tokens=False, split_special_tokens=True).input_ids for t in TEXTS])
        for prompt, ids in continuations.items():
            got = json.loads(ask(program, "generate", folder, "--prompt", prompt, "--temperature", 0, "--max-tokens", base.NEW, "--json"))
            check(f"{what}: after {prompt!r}", got["ids"], ids)
    except RuntimeError as refused:
        failures.append(what)
        print(f"DIFFERENT  {what}: {refused}")


def ends_of(model, words, kind):
    """Ids that end a text in gradus: the model's if they are in its vocabulary, or else the tokenizer's end-of-text."""
    named = model.generation_config.eos_token_id
    ends = [i for i in (named if isinstance(named, list) else [named]) if i is not None and 0 <= i < base.V]
    return ends or [i for i in [words.convert_tokens_to_ids("<|endoftext|>")] if i is not None and i != words.unk_token_id]


def ask_transformers(folder, kind):
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    words = transformers.AutoTokenizer.from_pretrained(folder)
    loss = base.mean_loss(model, words(base.TEXT, add_special_tokens=False).input_ids, base.CONTEXT)
    ends = ends_of(model, words, kind)
    continuations = {}
    for prompt in base.PROMPTS:
        given = words(prompt).input_ids
        ids = base.greedy(model, given)
        if any(base.margin_of(model, given + ids[:i]) < base.MARGIN for i in range(len(ids))):
            continue  # rounding decides
        stop = next((i for i, one in enumerate(ids) if one in ends), len(ids))
        continuations[prompt] = ids[:stop]
    return model, words, loss, continuations


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--seeds", type=int, default=1)
    o = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    folders = 0
    with tempfile.TemporaryDirectory() as work:
        root = pathlib.Path(work)
        (root / "text.txt").write_text(base.TEXT)
        for kind, build, seed in (("gpt2", base.gpt2, 20), ("llama", base.llama, 48)):
            for run in range(o.seeds):
                torch.manual_seed(run)
                model, words = build()
                base.scramble(model, seed + run)
                base.save(root / "saved", model, words)
                first = ask_transformers(root / "saved", kind)[3]
                ids = max(first.values(), key=len)
                variants = [*weight_variants(kind), *eos_variants(ids[0], ids[2]), *tokenizer_variants(kind),
                            *(two_file_variants() if kind == "gpt2" else [])]
                for name, change in variants:
                    folder = root / "folder"
                    shutil.copytree(root / "saved", folder)
                    change(folder)
                    what = f"{kind} {seed + run}, {name}"
                    before = len(failures)
                    theirs = ask_transformers(folder, kind)
                    compare(o.program, what, folder, kind, theirs)
                    ask(o.program, "convert", folder, root / "converted")
                    compare(o.program, what + ", converted", root / "converted", kind, theirs)
                    compare(o.program, what + ", converted, by transformers", root / "converted", kind,
                            ask_transformers(root / "converted", kind))
                    folders += 1
                    if len(failures) == before:
                        print(f"same       {what}")
                    shutil.rmtree(folder)
                    shutil.rmtree(root / "converted")
                shutil.rmtree(root / "saved")
    print(f"{folders} folders, {compared} comparisons, {len(failures)} differ")
    sys.exit(1 if failures or not compared else 0)


if __name__ == "__main__":
    main()
