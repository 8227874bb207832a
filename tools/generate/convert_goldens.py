#!/usr/bin/env python3
"""Writes tests/goldens/convert/: a tiny checkpoint as nanoGPT's train.py saves it, and its weights in another format.

    python3 tools/generate/convert_goldens.py [FOLDER]

ckpt.pt               torch.save of model (a compiled one's state_dict: "_orig_mod." before the names, _metadata built into
                      it), optimizer (AdamW after one step), model_args (bias=True), iter_num, best_val_loss, config
weights.safetensors   the same weights under Hugging Face's names, Conv1D weights transposed to [in, out]
"""
import collections
import pathlib
import sys

import torch
from safetensors.torch import save_file

LAYERS, HEADS, WIDTH, CONTEXT, VOCABULARY = 1, 2, 8, 6, 11


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1 = torch.nn.LayerNorm(WIDTH)
        self.attn = torch.nn.ModuleDict({"c_attn": torch.nn.Linear(WIDTH, 3 * WIDTH), "c_proj": torch.nn.Linear(WIDTH, WIDTH)})
        self.ln_2 = torch.nn.LayerNorm(WIDTH)
        self.mlp = torch.nn.ModuleDict({"c_fc": torch.nn.Linear(WIDTH, 4 * WIDTH), "c_proj": torch.nn.Linear(4 * WIDTH, WIDTH)})


class Names(torch.nn.Module):
    """The names and shapes of nanoGPT's model; its computation is not needed here."""

    def __init__(self):
        super().__init__()
        self.transformer = torch.nn.ModuleDict({
            "wte": torch.nn.Embedding(VOCABULARY, WIDTH), "wpe": torch.nn.Embedding(CONTEXT, WIDTH),
            "h": torch.nn.ModuleList(Block() for _ in range(LAYERS)), "ln_f": torch.nn.LayerNorm(WIDTH)})
        self.lm_head = torch.nn.Linear(WIDTH, VOCABULARY, bias=False)
        self.transformer.wte.weight = self.lm_head.weight


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "tests/goldens/convert")
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(5)
    model = Names()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.1 * torch.randn_like(p))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    sum(p.square().sum() for p in model.parameters()).backward()
    optimizer.step()

    state = model.state_dict()
    compiled = collections.OrderedDict(("_orig_mod." + name, tensor) for name, tensor in state.items())
    compiled._metadata = state._metadata
    arguments = dict(n_layer=LAYERS, n_head=HEADS, n_embd=WIDTH, block_size=CONTEXT, bias=True, vocab_size=VOCABULARY, dropout=0.0)
    torch.save({"model": compiled, "optimizer": optimizer.state_dict(), "model_args": arguments, "iter_num": 1,
                "best_val_loss": torch.tensor(2.5), "config": {"dataset": "made up", "beta2": 0.99, "compile": True}},
               folder / "ckpt.pt")

    turned = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")
    weights = {name: (tensor.t() if name.endswith(turned) else tensor).clone().contiguous()
               for name, tensor in state.items() if name != "lm_head.weight"}
    save_file(weights, folder / "weights.safetensors", metadata={"format": "pt"})


if __name__ == "__main__":
    main()
