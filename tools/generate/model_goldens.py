#!/usr/bin/env python3
"""Writes tests/goldens/models/: tiny models and what PyTorch and transformers compute from them.

    python3 tools/generate/model_goldens.py [FOLDER]

gpt2, llama, llama-tied   a model directory as save_pretrained writes it (f32), and in it
  golden.safetensors      one batch [B=2,T=17]: the model's results, and ten training steps on it
  packed.safetensors      one row [1,17] of three documents that must not attend to each other
gpt2-sharded, gpt2-f16, gpt2-bf16   the weights of gpt2 in several files, and rounded; no golden of their own

golden.safetensors
  tokens, targets   i32 [2,17]     a target of -1 is ignored
  logits            f32 [2,17,61]
  loss              f32 [1]        mean cross-entropy over the targets that are not ignored
  grad.NAME         f32            d loss / d NAME, for every weight in model.safetensors, in that file's layout; the
                                   key part of a c_attn.bias is only rounding: softmax does not depend on it
  losses, norms     f32 [10]       the loss before each step, and the gradient's global norm before clipping
  greedy            i32 [12]       the most likely next token, twelve times, from tokens[0,:5]
  logits64, loss64, losses64, norms64   f64: the same from the same weights in double precision
packed.safetensors
  tokens, positions, documents   i32 [1,17]     positions count from each document's start
  logits f32, logits64 f64       [1,17,61]

A step: norm = ||g||, g *= min(1, 1 / (norm + 1e-6)), then AdamW with learning rate 1e-3, betas 0.9 and 0.95, eps 1e-8 and
weight decay 0.1 on two-dimensional tensors. The script refuses to write if its own checks fail: the double-precision run
must agree with a central difference (so that no single-precision step hides in it) and with the single-precision run, packed
documents with the same documents alone, and the greedy tokens must lead by a margin larger than rounding.
"""
import contextlib
import json
import pathlib
import shutil
import sys
import tempfile

import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import load_file, save_file

V, B, T, STEPS, PROMPT, NEW = 61, 2, 17, 10, 5, 12
DOCUMENTS = (5, 8, 4)
NOT_COUNTED = ((0, 3), (1, 16))
LR, BETAS, EPS, DECAY, CLIP = 1e-3, (0.9, 0.95), 1e-8, 0.1, 1.0
COMMON = {"vocab_size": V, "bos_token_id": 0, "eos_token_id": 0, "attn_implementation": "eager"}
LLAMA = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
         "num_key_value_heads": 2, "max_position_embeddings": 32, "rms_norm_eps": 1e-5}


def gpt2():
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(
        n_layer=2, n_head=4, n_embd=32, n_positions=32, attn_pdrop=0.0, embd_pdrop=0.0, resid_pdrop=0.0, **COMMON))


def llama():
    rope = {"rope_type": "default", "rope_theta": 10000.0}
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(
        tie_word_embeddings=False, rope_parameters=rope, **LLAMA, **COMMON))


def llama_tied():
    # Of the eight frequencies of head width 16, these settings keep one, blend one and slow down six.
    rope = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
    shape = LLAMA | {"max_position_embeddings": 128}
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(
        tie_word_embeddings=True, head_dim=16, rope_parameters=rope, **shape, **COMMON))


# The seeds were chosen for varied continuations with clear margins.
MODELS = {"gpt2": (gpt2, 7), "llama": (llama, 6), "llama-tied": (llama_tied, 1)}


@contextlib.contextmanager
def widened():
    """transformers converts norms, softmax and rotary angles to float32 by name: inside, that name means float64."""
    single, to_single = torch.float32, torch.Tensor.float
    torch.float32 = torch.float = torch.float64
    torch.Tensor.float = torch.Tensor.double
    try:
        yield
    finally:
        torch.float32 = torch.float = single
        torch.Tensor.float = to_single


def randomise(model, generator):
    """Weights large enough that every term matters: gains near 1, everything else around 0."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            gain = p.dim() == 1 and name.endswith("weight")
            p.copy_(torch.randn(p.shape, generator=generator) * 0.15 + (1.0 if gain else 0.0))


def double_twin(build, model):
    twin = build()
    twin.double().load_state_dict({k: v.double() for k, v in model.state_dict().items()})
    return twin


def logits_of(model, tokens, **more):
    return model(input_ids=tokens, use_cache=False, **more).logits


def loss_of(logits, targets):
    return F.cross_entropy(logits.reshape(-1, V), targets.reshape(-1), ignore_index=-1)


def gradients(model, tokens, targets):
    model.zero_grad()
    logits = logits_of(model, tokens)
    loss = loss_of(logits, targets)
    loss.backward()
    return logits.detach(), loss.detach().reshape(1), {n: p.grad.clone() for n, p in model.named_parameters()}


def train(model, tokens, targets):
    params = list(model.parameters())
    groups = [{"params": [p for p in params if p.dim() >= 2], "weight_decay": DECAY},
              {"params": [p for p in params if p.dim() < 2], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=LR, betas=BETAS, eps=EPS, foreach=False)
    losses, norms = [], []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(logits_of(model, tokens), targets)
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(params, CLIP, foreach=False))
        losses.append(loss.detach())
        optimizer.step()
    return torch.stack(losses), torch.stack(norms)


def greedy(model, prompt):
    ids, margin = prompt.clone(), float("inf")
    with torch.no_grad():
        for _ in range(NEW):
            best = torch.topk(logits_of(model, ids)[0, -1], 2)
            margin = min(margin, (best.values[0] - best.values[1]).item())
            ids = torch.cat([ids, best.indices[:1].reshape(1, 1)], dim=1)
    return ids[0, prompt.shape[1]:], margin


def packed(model, row, positions, documents):
    dtype = next(model.parameters()).dtype
    causal = torch.ones(T, T, dtype=torch.bool).tril()
    seen = causal & (documents[0, :, None] == documents[0, None, :])
    mask = torch.zeros(1, 1, T, T, dtype=dtype).masked_fill(~seen, torch.finfo(dtype).min)
    with torch.no_grad():
        together = logits_of(model, row, attention_mask=mask, position_ids=positions)
        alone = torch.cat([logits_of(model, part) for part in row.split(DOCUMENTS, dim=1)], dim=1)
    require((together - alone).abs().max() < 1e-4, "packed documents equal the same documents alone")
    return together


def require(holds, what):
    if not holds:
        raise SystemExit(f"model_goldens.py: check failed: {what}")


def distance(single, double):
    return ((single.double() - double).abs().max() / double.abs().max()).item()


def check_double(model, tokens, targets, grads):
    """The slope of the loss along its gradient, by a central difference: single precision cannot reach 1e-7."""
    norm = torch.sqrt(sum((g * g).sum() for g in grads.values()))
    ends = []
    for side in (+1, -1):
        moved = {n: p + side * 1e-5 * grads[n] / norm for n, p in model.named_parameters()}
        with torch.no_grad():
            out = torch.func.functional_call(model, moved, (), {"input_ids": tokens, "use_cache": False})
        ends.append(loss_of(out.logits, targets))
    slope = (ends[0] - ends[1]) / 2e-5
    off = abs(slope / norm - 1)
    require(off < 1e-7, f"the double gradient equals a central difference (off by {off:.1e})")


def write_model(name, build, folder, generator):
    model = build()
    randomise(model, generator)
    model.eval()
    stream = torch.randint(0, V, (B, T + 1), generator=generator)
    tokens, targets = stream[:, :-1].contiguous(), stream[:, 1:].clone()
    for place in NOT_COUNTED:
        targets[place] = -1
    row = torch.randint(0, V, (1, T), generator=generator)
    positions = torch.cat([torch.arange(n) for n in DOCUMENTS]).reshape(1, T)
    documents = torch.cat([torch.full((n,), d) for d, n in enumerate(DOCUMENTS)]).reshape(1, T)

    model.save_pretrained(folder)
    logits, loss, grads = gradients(model, tokens, targets)
    ids, margin = greedy(model, tokens[:1, :PROMPT])
    together = packed(model, row, positions, documents)
    with widened():
        twin = double_twin(build, model)
        twin.eval()
        logits64, loss64, grads64 = gradients(twin, tokens, targets)
        check_double(twin, tokens, targets, grads64)
        together64 = packed(twin, row, positions, documents)
        require(torch.equal(ids, greedy(twin, tokens[:1, :PROMPT])[0]), "both precisions continue alike")
        losses64, norms64 = train(twin, tokens, targets)
    losses, norms = train(model, tokens, targets)

    stored = load_file(folder / "model.safetensors")
    errors = {"logits": distance(logits, logits64), "loss": distance(loss, loss64),
              "packed": distance(together, together64), "grad": max(distance(grads[n], grads64[n]) for n in grads),
              "losses": distance(losses, losses64), "norms": distance(norms, norms64)}
    require(all(e < 1e-5 for e in errors.values()), f"single and double agree: {errors}")
    require(margin > 1e-2, f"the greedy tokens are clear: {margin}")
    require(set(stored) == set(grads), "every stored weight has a gradient")
    require(len(set(ids.tolist())) >= 5, f"the continuation varies: {ids.tolist()}")
    print(f"{name:11} loss {loss64.item():.6f} -> {losses64[-1].item():.6f}  norm {norms64[0].item():.3f}"
          f"  margin {margin:.3f}  single from double: " + "  ".join(f"{k} {e:.1e}" for k, e in errors.items()))

    made_by = {"made_by": f"torch {torch.__version__}, transformers {transformers.__version__}"}
    i32 = torch.int32
    golden = {"tokens": tokens.to(i32), "targets": targets.to(i32), "logits": logits, "loss": loss, "losses": losses,
              "norms": norms, "greedy": ids.to(i32), "logits64": logits64, "loss64": loss64, "losses64": losses64,
              "norms64": norms64}
    golden |= {f"grad.{n}": grads[n] for n in stored}
    save_file(golden, folder / "golden.safetensors", made_by)
    save_file({"tokens": row.to(i32), "positions": positions.to(i32), "documents": documents.to(i32),
               "logits": together, "logits64": together64}, folder / "packed.safetensors", made_by)


def write_copies(folder):
    """The untrained gpt2 again, in the other formats of weights."""
    model = transformers.GPT2LMHeadModel.from_pretrained(folder / "gpt2")
    model.save_pretrained(folder / "gpt2-sharded", max_shard_size="20KB")
    for name, dtype in (("gpt2-f16", torch.float16), ("gpt2-bf16", torch.bfloat16)):
        transformers.GPT2LMHeadModel.from_pretrained(folder / "gpt2", dtype=dtype).save_pretrained(folder / name)
    index = json.loads((folder / "gpt2-sharded" / "model.safetensors.index.json").read_text())
    require(len(set(index["weight_map"].values())) > 2, "the sharded copy has several files")


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    target = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "tests" / "goldens" / "models"
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as scratch:
        made = pathlib.Path(scratch)
        for name, (build, seed) in MODELS.items():
            write_model(name, build, made / name, torch.Generator().manual_seed(seed))
        write_copies(made)
        for file in made.rglob("*"):
            file.chmod(0o755 if file.is_dir() else 0o644)
        for model in made.iterdir():
            shutil.rmtree(target / model.name, ignore_errors=True)
            shutil.copytree(model, target / model.name)
    total = sum(f.stat().st_size for f in target.rglob("*") if f.is_file())
    print(f"{target}: {total / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
