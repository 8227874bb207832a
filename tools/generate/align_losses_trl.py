#!/usr/bin/env python3
"""Holds tests/goldens/align/losses.json against TRL's own trainers: their loss functions, run on its log-probabilities.

    pip install torch trl && python3 tools/generate/align_losses_trl.py [FILE]

The model is a stand-in that returns the log-probabilities of the file; what a trainer logs goes nowhere. Compared are the loss
and its gradient, to 1e-9 (ORPO to 1e-5: TRL computes it in single precision). Not compared, for TRL has no function of them:
PPO's advantages and value loss, cDPO, K-wise, Plackett-Luce and best of K, REINFORCE.
"""
import json
import os
import pathlib
import sys
import types
from unittest import mock

os.environ["HF_HUB_OFFLINE"] = "1"  # nothing is loaded from the hub; without it, the imports wait for it
os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"

import torch
import trl
from trl.experimental.cpo.cpo_trainer import CPOTrainer
from trl.experimental.orpo.orpo_trainer import ORPOTrainer
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.grpo_trainer import GRPOTrainer
from trl.trainer.kto_trainer import KTOTrainer
from trl.trainer.reward_trainer import RewardTrainer

torch.set_default_dtype(torch.float64)


def trainer(**settings):
    """What a loss function reads of its trainer; in evaluation nothing is divided by accumulation steps."""
    stand_in = mock.MagicMock(**settings)
    stand_in.model.training = False
    stand_in.accelerator.device = "cpu"
    stand_in.accelerator.num_processes = 1
    for name in ("gather", "gather_for_metrics"):
        getattr(stand_in.accelerator, name).side_effect = lambda x: x
    stand_in.accelerator.reduce.side_effect = lambda x, reduction: x
    stand_in.aux_loss_enabled = False
    return stand_in


def compare(name, loss, leaves, expected_loss, expected_gradients, bound=1e-9):
    loss.backward()
    found = torch.cat([loss.detach().reshape(1)] + [x.grad.flatten() for x in leaves])
    expected = torch.cat([torch.tensor([expected_loss])] + [torch.as_tensor(g).flatten() for g in expected_gradients])
    apart = ((found - expected).abs() / expected.abs().clamp(min=1e-3)).max().item()
    print(f"{name}: {apart:.1e} apart")
    if not apart <= bound:
        sys.exit(f"{name} is not TRL's")


def leaf(values):
    return torch.tensor(values, requires_grad=True)


def padded(column, lengths):
    rows = torch.as_tensor(column).split(lengths)
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)


def tokens(golden):
    lengths, learnt = golden["lengths"], torch.tensor(golden["learnt"])
    column = {k: torch.tensor(golden[k]) for k in ("old", "reference", "advantages")}
    names = {"grpo": "grpo", "dapo": "dapo", "dr_grpo": "dr_grpo", "sequence": "luspo"}
    divergence = next(d for d in golden["divergences"] if d["kind"] == "k3")
    cases = [c for c in golden["losses"] if c["kind"] != "reinforce"] + [divergence | {"low": 0.2, "high": 0.2, "normaliser": "dapo"}]
    for c in cases:
        x = leaf(golden["log_probs"])
        is_divergence = c["kind"] == "k3"
        me = trainer(top_entropy_quantile=1.0, off_policy_mask_threshold=None, beta=c["beta"] if is_divergence else 0.0,
                     importance_sampling_level="sequence" if c["kind"] == "gspo" else "token", use_vllm=False,
                     epsilon_low=c.get("low"), epsilon_high=c.get("high", c.get("cap")), _entropy_bonus_enabled=False,
                     loss_type="cispo" if c["kind"] == "cispo" else names[c["normaliser"]],
                     max_completion_length=golden["longest"])
        me.args.delta = c.get("dual") or None
        me.args.use_bias_correction_kl = False
        me._get_per_token_logps_and_entropies.return_value = (padded(x, lengths), torch.zeros(len(lengths), max(lengths)), None)
        mask = padded(learnt, lengths)
        advantages = padded(column["advantages"], lengths) * (not is_divergence)
        nothing = torch.zeros(len(lengths), 0, dtype=torch.long)
        loss = GRPOTrainer._compute_loss(me, None, {
            "prompt_ids": nothing, "prompt_mask": nothing, "completion_ids": torch.zeros_like(mask),
            "completion_mask": torch.ones_like(mask), "tool_mask": mask, "advantages": advantages,
            "old_per_token_logps": padded(column["old"], lengths), "ref_per_token_logps": padded(column["reference"], lengths),
            "num_items_in_batch": mask.sum()})
        compare(f"GRPOTrainer, {c['kind']}, {c['normaliser']}, {me.loss_type}", loss, [x], c["loss"], [c["gradient"]])


def answered(x, lengths):
    """A model whose answers have the log-probabilities x [answers], spread over their tokens after a prompt of one."""
    mask = torch.tensor([[0] + [1] * n + [0] * (max(lengths) - n) for n in lengths])
    per_token = (x / torch.tensor(lengths)).unsqueeze(1) * mask[:, 1:]
    outputs = types.SimpleNamespace(log_probs=per_token, entropy=torch.zeros_like(per_token), mean_logits=torch.zeros_like(per_token),
                                    is_top1=torch.zeros_like(per_token, dtype=torch.bool))
    inputs = {"input_ids": torch.zeros_like(mask), "attention_mask": torch.ones_like(mask), "completion_mask": mask}
    return (lambda **_: outputs), inputs


def pairs(golden):
    n = len(golden["chosen"])
    lengths = [int(x) for x in golden["chosen_length"] + golden["rejected_length"]]
    dpo = {"dpo": "sigmoid", "robust": "robust", "ipo": "ipo", "hinge": "hinge"}
    for c in golden["losses"]:
        if c.get("nll") or (c["kind"] == "dpo" and c.get("smoothing")):
            continue
        chosen, rejected = leaf(golden["chosen"]), leaf(golden["rejected"])
        means = chosen / torch.tensor(golden["chosen_length"]), rejected / torch.tensor(golden["rejected_length"])
        settings = {"beta": c.get("beta"), "label_smoothing": c.get("smoothing", 0.0)}
        bound = 1e-9
        if c["kind"] in dpo:
            model, inputs = answered(torch.cat([chosen, rejected]), lengths)
            inputs |= {f"ref_{k}_logps": torch.tensor(golden[f"reference_{k}"]) for k in ("chosen", "rejected")}
            me = trainer(ld_alpha=None, precompute_ref_logps=True, f_divergence_type="reverse_kl", loss_types=[dpo[c["kind"]]],
                         loss_weights=[1.0], use_weighting=False, _total_train_tokens=0, **settings)
            loss, name = DPOTrainer._compute_loss(me, model, inputs, False), "DPOTrainer"
        elif c["kind"] == "simpo":
            me = trainer(alpha=0.0, loss_type="simpo", simpo_gamma=c["margin"], **settings)
            loss, name = CPOTrainer.cpo_loss(me, *means)[0].mean(), "CPOTrainer"
        else:
            odds = ORPOTrainer.odds_ratio_loss(trainer(beta=c["odds"]), *means)[0]
            loss, name, bound = (-means[0] - odds).mean(), "ORPOTrainer", 1e-5
        mean = [torch.tensor(c[k]) / n for k in ("d_chosen", "d_rejected")]
        compare(f"{name}, {c['kind']}", loss, [chosen, rejected], sum(c["loss"]) / n, mean, bound)


def answers(golden):
    n = len(golden["log_probs"])
    for c in golden["kto"]:
        x = leaf(golden["log_probs"])
        model, inputs = answered(x, list(range(1, n + 1)))
        me = trainer(precompute_ref_logps=True, calculate_KL=True, loss_type="kto", beta=c["beta"], desirable_weight=c["desirable"],
                     undesirable_weight=c["undesirable"], _total_train_tokens=0)
        me._compute_kl_logps.return_value = torch.tensor(c["mismatched"])
        inputs |= {"label": torch.tensor(golden["desirable"]), "ref_logps": torch.tensor(golden["reference"]),
                   "ref_KL_logps": torch.zeros(n)}
        loss = KTOTrainer._compute_loss(me, model, inputs, False)
        compare("KTOTrainer", loss, [x], sum(c["loss"]) / n, [torch.tensor(c["d_log_prob"]) / n])


def comparisons(golden):
    for c in golden:
        if c["probability"] != 1:
            continue
        scores = leaf(c["scores"])
        me = trainer()
        me.args.center_rewards_coefficient = c["centring"] or None
        inputs = {"margin": torch.tensor([c["margin"]])} if c["margin"] else {}
        model = lambda **_: types.SimpleNamespace(logits=scores.unsqueeze(1))
        loss = RewardTrainer.compute_loss(me, model, inputs)
        compare(f"RewardTrainer, margin {c['margin']}, centring {c['centring']}", loss, [scores], c["loss"], [c["gradient"]])


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "tests/goldens/align/losses.json"
    golden = json.loads(path.read_text())
    tokens(golden["tokens"])
    pairs(golden["pairs"])
    answers(golden["answers"])
    comparisons(golden["comparisons"])
    print(f"the losses are those of TRL {trl.__version__}")


if __name__ == "__main__":
    main()
