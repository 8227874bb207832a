#!/usr/bin/env python3
"""Checks with PyTorch and transformers that `gradus convert` preserves models.

    python3 tools/compare/convert_roundtrip.py PROGRAM [--seed 1]        PROGRAM: the gradus to test

Makes tiny random models with transformers (GPT-2; LLaMA with all heads, grouped heads, rescaled positions, a tied head; f32
and bf16), a model with nanoGPT's names (with and without biases, compiled and not) and llm.c's file of a GPT-2; converts
each; loads the results with transformers, torch.load(weights_only=True) and numpy; compares every weight bit for bit
and, if both sides compute, the logits. Prints one line per comparison; exit status 1 if one fails.

Also tests what nanoGPT's train.py needs to resume: its optimizer loads the written state and makes a step.
"""
import argparse
import collections
import pathlib
import subprocess
import sys
import tempfile

import numpy
import torch
import torch.nn.functional as F
import transformers

V, CONTEXT, WIDTH, HEADS, LAYERS = 61, 32, 32, 4, 2
failures = []


def report(what, good, more=""):
    print(f"{'same' if good else 'DIFFERENT'}  {what}{'  ' + more if more else ''}")
    if not good:
        failures.append(what)


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and torch.equal(a.contiguous().view(torch.uint8), b.contiguous().view(torch.uint8))


def compare_weights(what, a, b):
    wrong = [n for n in a.keys() | b.keys() if n not in a or n not in b or not same_bits(a[n], b[n])]
    report(f"{what}: {len(a)} weights, bit for bit", not wrong and len(a) > 0, ", ".join(sorted(wrong)[:3]))


def logits(model):
    ids = torch.arange(2 * CONTEXT).view(2, CONTEXT) * 7 % V
    with torch.no_grad():
        out = model(ids)
    return out.logits if hasattr(out, "logits") else out


def compare_logits(what, a, b, tolerance=0.0):
    worst = (a.float() - b.float()).abs().max().item()
    report(f"{what}: logits", worst <= tolerance and a.abs().max().item() > 0.1, f"largest difference {worst:.3g}")


def scramble(model):
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn_like(p) * (0.2 if p.dim() > 1 else 0.5) + (1.0 if p.dim() == 1 else 0.0))
    return model.eval()


def load(folder):
    model, info = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype="auto", attn_implementation="eager", output_loading_info=True)
    wrong = [k for k in ("missing_keys", "unexpected_keys", "mismatched_keys") if info[k]]
    report(f"{folder.name}: transformers finds every tensor, and no other", not wrong, " ".join(wrong))
    return model.eval()


def gpt2(activation):
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(
        n_layer=LAYERS, n_head=HEADS, n_embd=WIDTH, n_positions=CONTEXT, vocab_size=V, bos_token_id=0, eos_token_id=0,
        activation_function=activation, attn_implementation="eager"))


def llama(heads, tied=False, rope=None):
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(
        hidden_size=WIDTH, intermediate_size=48, num_hidden_layers=LAYERS, num_attention_heads=HEADS, vocab_size=V,
        num_key_value_heads=heads, max_position_embeddings=CONTEXT, tie_word_embeddings=tied, bos_token_id=1, eos_token_id=2,
        rope_parameters=rope or {"rope_type": "default", "rope_theta": 10000.0}, attn_implementation="eager"))


class Attention(torch.nn.Module):
    def __init__(self, bias):
        super().__init__()
        self.c_attn = torch.nn.Linear(WIDTH, 3 * WIDTH, bias=bias)
        self.c_proj = torch.nn.Linear(WIDTH, WIDTH, bias=bias)

    def forward(self, x):
        q, k, v = (t.unflatten(-1, (HEADS, -1)).transpose(1, 2) for t in self.c_attn(x).split(WIDTH, -1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).flatten(2))


class FeedForward(torch.nn.Module):
    def __init__(self, bias):
        super().__init__()
        self.c_fc = torch.nn.Linear(WIDTH, 4 * WIDTH, bias=bias)
        self.c_proj = torch.nn.Linear(4 * WIDTH, WIDTH, bias=bias)

    def forward(self, x):
        return self.c_proj(F.gelu(self.c_fc(x)))


class Block(torch.nn.Module):
    def __init__(self, bias):
        super().__init__()
        self.ln_1, self.ln_2 = (torch.nn.LayerNorm(WIDTH, bias=bias) for _ in range(2))
        self.attn, self.mlp = Attention(bias), FeedForward(bias)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class NanoGpt(torch.nn.Module):
    """The names, shapes and mathematics of nanoGPT's model, including the exact GELU."""

    def __init__(self, bias):
        super().__init__()
        self.bias = bias
        self.transformer = torch.nn.ModuleDict({
            "wte": torch.nn.Embedding(V, WIDTH), "wpe": torch.nn.Embedding(CONTEXT, WIDTH),
            "h": torch.nn.ModuleList(Block(bias) for _ in range(LAYERS)), "ln_f": torch.nn.LayerNorm(WIDTH, bias=bias)})
        self.lm_head = torch.nn.Linear(WIDTH, V, bias=False)
        self.transformer.wte.weight = self.lm_head.weight

    def forward(self, ids):
        x = self.transformer.wte(ids) + self.transformer.wpe(torch.arange(ids.shape[1]))
        for block in self.transformer.h:
            x = block(x)
        return self.lm_head(self.transformer.ln_f(x))

    def optimizer(self):
        matrices = [p for p in self.parameters() if p.dim() >= 2]
        vectors = [p for p in self.parameters() if p.dim() < 2]
        return torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}],
                                 lr=1e-3, betas=(0.9, 0.95))


def save_nanogpt(model, path, compiled):
    state = model.state_dict()
    if compiled:
        metadata = state._metadata
        state = collections.OrderedDict(("_orig_mod." + k, v) for k, v in state.items())
        state._metadata = metadata
    optimizer = model.optimizer()
    model(torch.zeros(1, 4, dtype=torch.long)).sum().backward()
    saved = {k: v.clone() for k, v in state.items()} if compiled else state  # clones: the head is then a copy, not the same storage
    torch.save({"model": saved, "optimizer": optimizer.state_dict(), "iter_num": 7, "best_val_loss": torch.tensor(1.5),
                "model_args": dict(n_layer=LAYERS, n_head=HEADS, n_embd=WIDTH, block_size=CONTEXT, bias=model.bias, vocab_size=V,
                                   dropout=0.0), "config": {"dataset": "none", "compile": compiled}}, path)


def load_nanogpt(path):
    checkpoint = torch.load(path, weights_only=True)
    arguments = checkpoint["model_args"]
    right = (arguments["n_layer"], arguments["n_head"], arguments["n_embd"], arguments["block_size"], arguments["vocab_size"])
    report(f"{path.name}: model_args", right == (LAYERS, HEADS, WIDTH, CONTEXT, V), str(arguments))
    model = NanoGpt(arguments["bias"])
    model.load_state_dict(checkpoint["model"])
    optimizer = model.optimizer()
    optimizer.load_state_dict(checkpoint["optimizer"])
    before = model.lm_head.weight.detach().clone()
    model(torch.zeros(1, 4, dtype=torch.long)).square().sum().backward()
    optimizer.step()
    moved = not torch.equal(before, model.lm_head.weight)
    report(f"{path.name}: its optimizer state resumes", moved and checkpoint["iter_num"] == 0 and checkpoint["best_val_loss"] == 1e9)
    model.load_state_dict(checkpoint["model"])
    return model.eval(), checkpoint["model"]


# llm.c's order of tensors, as their names in a GPT-2 of transformers; those of blocks are stacked over the layers.
LLMC = ["wte.weight", "wpe.weight", "ln_1.weight", "ln_1.bias", "attn.c_attn.weight", "attn.c_attn.bias", "attn.c_proj.weight",
        "attn.c_proj.bias", "ln_2.weight", "ln_2.bias", "mlp.c_fc.weight", "mlp.c_fc.bias", "mlp.c_proj.weight",
        "mlp.c_proj.bias", "ln_f.weight", "ln_f.bias"]


def llmc_bytes(model, dtype):
    state = model.transformer.state_dict()
    padded = -(-V // 128) * 128
    header = numpy.zeros(256, dtype="<i4")
    header[:8] = [20240326, 3 if dtype == torch.float32 else 5, CONTEXT, V, LAYERS, HEADS, WIDTH, padded]
    parts = [header.tobytes()]
    for name in LLMC:
        for t in [state[name]] if name in state else [state[f"h.{l}.{name}"] for l in range(LAYERS)]:
            t = t.to(dtype)
            if ".c_" in "." + name and name.endswith("weight"):
                t = t.t()
            if name == "wte.weight":
                t = F.pad(t, (0, 0, 0, padded - V))
            parts.append(t.contiguous().view(torch.uint8).numpy().tobytes())
    return b"".join(parts)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("program", type=pathlib.Path)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    transformers.utils.logging.disable_progress_bar()
    torch.manual_seed(a.seed)

    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)

        def convert(source, there, *options):
            subprocess.run([a.program.resolve(), "convert", work / source, work / there, *options], check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            return work / there

        rescaled = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                    "original_max_position_embeddings": 16}
        models = {"gpt2": gpt2("gelu_new"), "gpt2-exact": gpt2("gelu"), "llama": llama(HEADS), "llama-grouped": llama(2),
                  "llama-rescaled": llama(2, True, rescaled)}
        for name, model in models.items():
            for dtype in (torch.float32, torch.bfloat16):
                source = scramble(model).to(dtype)
                tag = f"{name}-{'f32' if dtype == torch.float32 else 'bf16'}"
                source.save_pretrained(work / tag)
                source = load(work / tag)  # .to() has rounded its rotary tables too, and a loaded model computes those in f32
                made = load(convert(tag, tag + "-hf", "--shard-size", "20KB"))
                compare_weights(tag + "-hf", dict(source.state_dict()), dict(made.state_dict()))
                compare_logits(tag + "-hf", logits(source), logits(made))
                if not name.startswith("gpt2"):
                    continue
                convert(tag, tag + ".bin", "--to", "llmc")
                report(tag + ".bin: every byte is llm.c's", (work / (tag + ".bin")).read_bytes() == llmc_bytes(source, dtype))
                made = load(convert(tag + ".bin", tag + "-from-llmc"))
                compare_weights(tag + "-from-llmc", dict(source.state_dict()), dict(made.state_dict()))
                convert(tag, tag + ".pt", "--to", "nanogpt")
                made, _ = load_nanogpt(work / (tag + ".pt"))
                if dtype == torch.float32:  # nanoGPT's GELU is the exact one, and the other is near
                    compare_logits(tag + ".pt", logits(source), logits(made), 1e-5 if name == "gpt2-exact" else 2e-2)
                made = load(convert(tag + ".pt", tag + "-from-nanogpt"))
                compare_weights(tag + "-from-nanogpt", dict(source.state_dict()), dict(made.state_dict()))

        wide = load(convert("llama-bf16", "llama-wide", "--dtype", "f32"))
        compare_weights("llama-wide", {k: v.float() for k, v in load(work / "llama-bf16").state_dict().items()}, dict(wide.state_dict()))
        rounded = load(convert("llama-wide", "llama-rounded", "--dtype", "bf16"))
        compare_weights("llama-rounded", dict(load(work / "llama-bf16").state_dict()), dict(rounded.state_dict()))

        for bias in (True, False):
            for compiled in (True, False):
                tag = f"nanogpt{'-bias' if bias else ''}{'-compiled' if compiled else ''}"
                source = scramble(NanoGpt(bias))
                save_nanogpt(source, work / (tag + ".pt"), compiled)
                made = load(convert(tag + ".pt", tag + "-hf"))
                compare_logits(tag + "-hf", logits(source), logits(made), 1e-5)
                convert(tag + "-hf", tag + "-back.pt", "--to", "nanogpt")
                back, state = load_nanogpt(work / (tag + "-back.pt"))
                compare_weights(tag + "-back.pt", dict(source.state_dict()), dict(state))
    if failures:
        sys.exit(f"convert_roundtrip.py: {len(failures)} comparisons failed")


if __name__ == "__main__":
    main()
