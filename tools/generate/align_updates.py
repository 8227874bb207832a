#!/usr/bin/env python3
"""Writes tests/goldens/align/updates.json: whole updates of alignment's trainers, as PyTorch and TRL make them.

    pip install torch transformers trl && python3 tools/generate/align_updates.py [FILE]

The policy is tests/goldens/models/gpt2, the reference has 0.9 times its weights, and the value and reward model are its body under
`score` [C]. Everything is in double precision; padding is on the right. Numbers of ids are written as rows: one sequence after the
other, without padding, 0 where an id is not learnt.

texts        a list: ids, prompt (ids that are not learnt), ended, score
ppo          one iteration of two epochs on all texts, with `settings`
  old_log_probs, reference, values      rows, before
  policy_loss, value_loss, policy_norm, value_norm    means over the epochs; norms before clipping
  log_probs, values_after               rows, after
sft          loss (mean over the learnt ids of all texts) and gradient norm: transformers' own
preference   a list: kind, beta; loss and gradient norm of texts 0 over 1, 2 over 3, 4 over 5: TRL's DPOTrainer
reward       loss and gradient norm of the same pairs: TRL's RewardTrainer
kto          a list: beta, desirable and undesirable weight, scales of the policy's and the reference's weights; loss, gradient norm and
             the reference point `kl` of all texts, of which those with an even number are desirable: TRL's KTOTrainer. Each prompt is
             mismatched with the answer of the text before it, the first with the last, as TRL does within a micro-batch: here that
             is the whole batch, and the reference point is that of the step
"""
import collections
import contextlib
import copy
import functools
import json
import os
import pathlib
import sys
import types
from unittest import mock

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"

import torch
import transformers
from align_losses_trl import trainer
from model_goldens import widened
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.kto_trainer import KTOTrainer
from trl.trainer.reward_trainer import RewardTrainer

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests/goldens/models/gpt2"
LENGTHS, PROMPTS, V = [9, 6, 12, 4, 7, 10], [3, 3, 5, 1, 2, 4], 61
SETTINGS = {"temperature": 0.7, "beta": 0.1, "gamma": 0.98, "lambda": 0.95, "clip": 0.2, "value_clip": 0.2, "epochs": 2,
            "lr": 1e-3, "beta1": 0.9, "beta2": 0.95, "eps": 1e-5, "norm": 0.5,
            "mean": 0.3, "sd": 1.7, "score_clip": 1.5, "missing_end": 1.0}
draws = torch.Generator().manual_seed(21)


def padded(rows):
    return torch.nn.utils.rnn.pad_sequence([torch.as_tensor(r) for r in rows], batch_first=True)


IDS = padded([torch.randint(1, V, (n,), generator=draws) for n in LENGTHS])
INSIDE = padded([[1] * n for n in LENGTHS]).bool()
LEARNT = padded([[0] * p + [1] * (n - p) for n, p in zip(LENGTHS, PROMPTS)]).bool()
ENDED = [True, False, True, True, False, True]
SCORES = ((torch.randn(len(LENGTHS), generator=draws, dtype=torch.float64) * 2e4).round() / 1e4)
SCORE_WEIGHT = ((torch.randn(32, generator=draws, dtype=torch.float64) * 3e3).round() / 1e4)


# Loaded outside of widened(), which would mislead the reader of files.
POLICY = transformers.GPT2LMHeadModel.from_pretrained(FOLDER, attn_implementation="eager").double().eval()
SCORER = transformers.GPT2ForSequenceClassification.from_pretrained(FOLDER, num_labels=1, pad_token_id=0,
                                                                    attn_implementation="eager").double().eval()


def policy(scale=1.0):
    model = copy.deepcopy(POLICY)
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(scale)
    return model


def scorer():
    model = copy.deepcopy(SCORER)
    with torch.no_grad():
        model.score.weight.copy_(SCORE_WEIGHT.unsqueeze(0))
    return model


def log_probs(model, temperature=1.0):
    """[B,T]: of each id from those before it; the first column is 0."""
    logits = model(input_ids=IDS, attention_mask=INSIDE.long(), use_cache=False).logits / temperature
    chosen = logits[:, :-1].log_softmax(-1).gather(-1, IDS[:, 1:].unsqueeze(-1)).squeeze(-1)
    return torch.cat([torch.zeros(len(IDS), 1), chosen], dim=1) * LEARNT


def state_values(model):
    """[B,T]: what the model makes of the ids before each id."""
    hidden = model.transformer(input_ids=IDS, attention_mask=INSIDE.long(), use_cache=False).last_hidden_state
    values = model.score(hidden).squeeze(-1)
    return torch.cat([torch.zeros(len(IDS), 1), values[:, :-1]], dim=1) * LEARNT


def rows(x):
    return x.detach()[INSIDE].tolist()


def advantages_of(old, reference, values):
    s = SETTINGS
    rewards = -s["beta"] * (old - reference)
    for b, n in enumerate(LENGTHS):
        shaped = ((SCORES[b] - s["mean"]) / s["sd"]).clamp(-s["score_clip"], s["score_clip"])
        rewards[b, n - 1] += shaped - (0 if ENDED[b] else s["missing_end"])
    advantages = torch.zeros_like(rewards)
    for b, (n, p) in enumerate(zip(LENGTHS, PROMPTS)):
        for t in range(p, n):  # the sum itself: no recursion
            for later in range(t, n):
                after = values[b, later + 1] if later + 1 < n else 0
                delta = rewards[b, later] + s["gamma"] * after - values[b, later]
                advantages[b, t] += (s["gamma"] * s["lambda"]) ** (later - t) * delta
    returns = (advantages + values) * LEARNT
    taken = advantages[LEARNT]
    whitened = (advantages - taken.mean()) / (taken.var(unbiased=False) + 1e-8).sqrt() * LEARNT
    return whitened, returns


def epochs(model, loss_of):
    s = SETTINGS
    optimizer = torch.optim.AdamW(model.parameters(), lr=s["lr"], betas=(s["beta1"], s["beta2"]), eps=s["eps"], weight_decay=0.0)
    losses, norms = [], []
    for _ in range(s["epochs"]):
        optimizer.zero_grad()
        loss = loss_of(model)
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.grad is not None], s["norm"]).item())
        losses.append(loss.item())
        optimizer.step()
    return sum(losses) / len(losses), sum(norms) / len(norms)


def ppo():
    s = SETTINGS
    model, value = policy(), scorer()
    with torch.no_grad():
        old, reference, values = log_probs(model, s["temperature"]), log_probs(policy(0.9), s["temperature"]), state_values(value)
    advantages, returns = advantages_of(old, reference, values)

    def policy_loss(m):
        ratio = (log_probs(m, s["temperature"]) - old).exp()
        kept = torch.minimum(ratio * advantages, ratio.clamp(1 - s["clip"], 1 + s["clip"]) * advantages)
        return -kept[LEARNT].mean()

    def value_loss(m):
        now = state_values(m)
        near = values + (now - values).clamp(-s["value_clip"], s["value_clip"])
        return 0.5 * torch.maximum((now - returns) ** 2, (near - returns) ** 2)[LEARNT].mean()

    golden = {"settings": s, "old_log_probs": rows(old), "reference": rows(reference), "values": rows(values)}
    golden["policy_loss"], golden["policy_norm"] = epochs(model, policy_loss)
    golden["value_loss"], golden["value_norm"] = epochs(value, value_loss)
    golden["log_probs"], golden["values_after"] = rows(log_probs(model, s["temperature"])), rows(state_values(value))
    return golden


def with_norm(loss, model):
    loss.backward()
    norm = torch.stack([p.grad.norm() for p in model.parameters() if p.grad is not None]).norm()
    return {"loss": loss.item(), "norm": norm.item()}


def sft():
    model = policy()
    labels = IDS.masked_fill(~LEARNT, -100)
    return with_norm(model(input_ids=IDS, attention_mask=INSIDE.long(), labels=labels, use_cache=False).loss, model)


def chosen_first(x):
    return torch.cat([x[0::2], x[1::2]])


def preference(kind, beta):
    model, reference = policy(), policy(0.9)
    with torch.no_grad():
        of_reference = log_probs(reference).sum(1)

    def outputs(**_):
        per_token = chosen_first(log_probs(model))[:, 1:]
        zeros = torch.zeros_like(per_token)
        return types.SimpleNamespace(log_probs=per_token, entropy=zeros, mean_logits=zeros, is_top1=zeros.bool())

    inputs = {"input_ids": chosen_first(IDS), "attention_mask": chosen_first(INSIDE.long()), "completion_mask": chosen_first(LEARNT.long()),
              "ref_chosen_logps": of_reference[0::2], "ref_rejected_logps": of_reference[1::2]}
    me = trainer(ld_alpha=None, precompute_ref_logps=True, f_divergence_type="reverse_kl", loss_types=[kind], loss_weights=[1.0],
                 use_weighting=False, _total_train_tokens=0, beta=beta, label_smoothing=0.0)
    return {"kind": {"sigmoid": "dpo"}.get(kind, kind), "beta": beta} | with_norm(DPOTrainer._compute_loss(me, outputs, inputs, False), model)


def reward():
    model, me = scorer(), trainer()
    me.args.center_rewards_coefficient = None
    # transformers finds a text's end by the padding's id, 0, which no text has.
    inputs = {"input_ids": chosen_first(IDS), "attention_mask": chosen_first(INSIDE.long())}
    return with_norm(RewardTrainer.compute_loss(me, model, inputs), model)


def kto(beta, desirable, undesirable, policy_scale, reference_scale):
    answers = [IDS[b, p:n] for b, (n, p) in enumerate(zip(LENGTHS, PROMPTS))]
    mismatched = [torch.cat([IDS[b, :p], answers[b - 1]]) for b, p in enumerate(PROMPTS)]
    inside, learnt = padded([[1] * len(m) for m in mismatched]), padded([[0] * p + [1] * (len(m) - p) for m, p in zip(mismatched, PROMPTS)])
    inputs = {"input_ids": IDS, "attention_mask": INSIDE.long(), "completion_mask": LEARNT.long(), "KL_input_ids": padded(mismatched),
              "KL_attention_mask": inside, "KL_completion_mask": learnt, "label": torch.arange(len(IDS)) % 2 == 0}

    def with_log_probs(model):
        def outputs(input_ids, attention_mask, labels, **_):
            logits = model(input_ids=input_ids, attention_mask=attention_mask, use_cache=False).logits
            chosen = logits[:, :-1].log_softmax(-1).gather(-1, input_ids[:, 1:].unsqueeze(-1)).squeeze(-1) * (labels[:, 1:] >= 0)
            return types.SimpleNamespace(log_probs=chosen, entropy=torch.zeros_like(chosen), mean_logits=torch.zeros_like(chosen))
        return outputs

    model = policy(policy_scale)
    me = trainer(precompute_ref_logps=False, calculate_KL=True, loss_type="kto", beta=beta, desirable_weight=desirable,
                 undesirable_weight=undesirable, _total_train_tokens=0, ref_model=with_log_probs(policy(reference_scale)),
                 _metrics=collections.defaultdict(lambda: collections.defaultdict(list)))
    me.args.gradient_checkpointing_kwargs = None
    me._compute_kl_logps = functools.partial(KTOTrainer._compute_kl_logps, me)
    with mock.patch("trl.trainer.kto_trainer.disable_gradient_checkpointing", lambda *_: contextlib.nullcontext()), \
            mock.patch("trl.trainer.kto_trainer.is_peft_model", lambda _: False):
        golden = with_norm(KTOTrainer._compute_loss(me, with_log_probs(model), inputs, False), model)
    return {"beta": beta, "desirable": desirable, "undesirable": undesirable, "policy": policy_scale, "reference": reference_scale,
            "kl": me._metrics["eval"]["kl"][0]} | golden


def main():
    torch.set_default_dtype(torch.float64)
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "tests/goldens/align/updates.json"
    texts = [{"ids": IDS[b, :n].tolist(), "prompt": p, "ended": ENDED[b], "score": SCORES[b].item()}
             for b, (n, p) in enumerate(zip(LENGTHS, PROMPTS))]
    with widened():
        golden = {"texts": texts, "score": SCORE_WEIGHT.tolist(), "ppo": ppo(), "sft": sft(),
                  "preference": [preference("sigmoid", 0.3), preference("ipo", 0.3), preference("hinge", 0.1)], "reward": reward(),
                  "kto": [kto(0.1, 1.0, 1.0, 1.0, 0.9), kto(0.3, 1.5, 0.7, 0.9, 1.0)]}
    path.write_text(json.dumps(golden, indent=0) + "\n")


if __name__ == "__main__":
    main()
