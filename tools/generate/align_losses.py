#!/usr/bin/env python3
"""Writes tests/goldens/align/losses.json: what PyTorch computes of alignment's losses and advantages, in double precision.

    python3 tools/generate/align_losses.py [FILE]

The formulas are those of the papers and of the published code (Ziegler et al. 2019, Huang et al. 2024, TRL), written here for
padded tensors [B,T] with masks, whose averages and gradients are PyTorch's own; nothing is taken from align/. Rows of padded
tensors are written one sequence after the other, without the padding.

tokens   lengths [B], learnt [rows], log_probs, old, reference, values, old_values, advantages, scores [B]
  losses       a list: kind, its constants, normaliser; loss and gradient by log_probs
  divergences  the same for k1, k2, k3
  value        a list: clip; loss and gradient by values, explained_variance
  estimated    a list: gamma, lambda, beta; rewards, advantages, returns, whitened advantages
groups   scores [P,G]; grpo, dr_grpo, rloo
pairs    a list of pairs: chosen, rejected, reference_chosen, reference_rejected (sums) and lengths
  losses       a list: kind and its constants; loss, d_chosen, d_rejected of every pair
answers  as pairs, of single answers: desirable; kto: a list of losses
comparisons  a list: scores of a and b, probability that a is better, margin, centring; loss and gradient
rankings a list: scores, ranks; kwise, plackett_luce, best_of: loss and gradient

The script refuses to write where PyTorch's gradients do not agree with central differences. tools/generate/align_losses_trl.py
holds the file against TRL's own functions.
"""
import itertools
import json
import pathlib
import sys

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
LENGTHS = [6, 1, 9, 4, 2]
T, LONGEST = max(LENGTHS), 12
PROMPT = [2, 0, 3, 1, 1]
HOLE = (2, 5)  # a row between two learnt ones that is not learnt
draws = torch.Generator().manual_seed(14)


def normal(*shape, sd=1.0):
    """Random numbers of few digits, which the file holds exactly."""
    return (torch.randn(*shape, generator=draws) * sd * 1e4).round() / 1e4


def uniform(low, high, *shape):
    return ((low + (high - low) * torch.rand(*shape, generator=draws)) * 1e4).round() / 1e4


def rows_mask():
    return torch.tensor([[t < n for t in range(T)] for n in LENGTHS])


def learnt_mask():
    mask = torch.tensor([[p <= t < n for t in range(T)] for p, n in zip(PROMPT, LENGTHS)])
    mask[HOLE] = False
    return mask


def flat(padded):
    return padded[rows_mask()].tolist()


def check_differences(value, x, gradient):
    for i in itertools.product(*map(range, x.shape)):
        up, down = x.clone(), x.clone()
        up[i] += 1e-5
        down[i] -= 1e-5
        difference = (value(up) - value(down)) / 2e-5
        if abs(difference - gradient[i]) > 1e-6 * max(1, abs(difference)):
            sys.exit(f"the gradient {gradient[i]} is not the difference {difference}")


def gradient_of(value, x, check=True):
    leaf = x.clone().requires_grad_(True)
    loss = value(leaf)
    loss.backward()
    if check:
        check_differences(lambda y: value(y).detach(), x, leaf.grad)
    return loss.item(), leaf.grad


# ---- tokens ---------------------------------------------------------------------------------------------------------


def reduce_loss(per_token, mask, normaliser):
    """As TRL's GRPOTrainer names and computes them."""
    per_token = torch.where(mask, per_token, 0.0)
    if normaliser == "grpo":
        return (per_token.sum(-1) / mask.sum(-1).clamp(min=1)).mean()
    if normaliser == "dapo":
        return per_token.sum() / mask.sum()
    if normaliser == "dr_grpo":
        return per_token.sum() / (per_token.size(0) * LONGEST)
    return per_token.sum(-1).mean()


def masked_mean(x, mask):
    return torch.where(mask, x, 0.0).sum() / mask.sum()


def policy_loss(c, log_probs, old, advantages, mask):
    log_ratio = torch.where(mask, log_probs - old, 0.0)
    if c["kind"] == "gspo":
        log_ratio = (log_ratio.sum(-1) / mask.sum(-1).clamp(min=1)).unsqueeze(-1).expand_as(mask)
    ratio = torch.exp(log_ratio)
    if c["kind"] == "reinforce":
        per_token = -advantages * log_probs
    elif c["kind"] == "cispo":
        per_token = -torch.clamp(ratio, max=c["cap"]).detach() * advantages * log_probs
    else:
        per_token = torch.max(-advantages * ratio, -advantages * torch.clamp(ratio, 1 - c["low"], 1 + c["high"]))
        if c["dual"]:
            per_token = torch.where(advantages < 0, torch.min(per_token, -advantages * c["dual"]), per_token)
    return reduce_loss(per_token, mask, c["normaliser"])


def divergence(kind, log_probs, reference):
    x = log_probs - reference
    return {"k1": x, "k2": x * x / 2, "k3": torch.exp(-x) - 1 + x}[kind]


def whiten(x, mask):
    mean = masked_mean(x, mask)
    variance = masked_mean((x - mean) ** 2, mask)
    return (x - mean) * torch.rsqrt(variance + 1e-8)


def last_learnt(mask):
    return torch.tensor([max(t for t in range(T) if row[t]) for row in mask.tolist()])


def ppo_advantages(log_probs, reference, values, scores, mask, beta, gamma, lam):
    """One sequence after the other, over the list of its learnt rows."""
    rewards = torch.where(mask, -beta * (log_probs - reference), 0.0)
    rewards[torch.arange(len(LENGTHS)), last_learnt(mask)] += scores
    advantages, returns = torch.zeros_like(rewards), torch.zeros_like(rewards)
    for b in range(len(LENGTHS)):
        rows = [t for t in range(T) if mask[b, t]]
        r, v = rewards[b, rows], torch.cat([values[b, rows], torch.zeros(1)])
        deltas = r + gamma * v[1:] - v[:-1]
        decay = torch.tensor([[float((gamma * lam) ** (s - t)) if s >= t else 0.0 for s in range(len(rows))]
                              for t in range(len(rows))])
        advantages[b, rows] = decay @ deltas
        returns[b, rows] = decay @ deltas + values[b, rows]
    return rewards, advantages, returns


def value_loss(values, old, returns, mask, clip):
    clipped = torch.clamp(values, old - clip, old + clip)
    return 0.5 * masked_mean(torch.max((values - returns) ** 2, (clipped - returns) ** 2), mask)


def explained_variance(values, returns, mask):
    v, r = values[mask], returns[mask]
    return (1 - (r - v).var(unbiased=False) / r.var(unbiased=False)).item()


def tokens():
    mask, shape = learnt_mask(), (len(LENGTHS), T)
    old = -uniform(0.1, 4, *shape)
    log_probs, reference = old + normal(*shape, sd=0.4), old + normal(*shape, sd=0.4)
    advantages, values, scores = normal(*shape), normal(*shape), normal(len(LENGTHS))
    old_values = values + normal(*shape, sd=0.3)
    out = {"lengths": LENGTHS, "longest": LONGEST, "learnt": [int(m) for m in flat(mask)]}
    columns = {"log_probs": log_probs, "old": old, "reference": reference, "values": values, "old_values": old_values,
               "advantages": advantages}
    out |= {name: flat(x) for name, x in columns.items()} | {"scores": scores.tolist()}

    clips = [{"low": 0.2, "high": 0.2, "dual": 0}, {"low": 0.1, "high": 0.28, "dual": 0},
             {"low": 0.2, "high": 0.2, "dual": 1.4}]
    gspo = {"kind": "gspo", "low": 0.1, "high": 0.15, "dual": 0}
    cases = [{"kind": "ppo"} | clips[0] | {"normaliser": name} for name in ("grpo", "dapo", "dr_grpo", "sequence")]
    cases += [{"kind": "ppo"} | clips[1] | {"normaliser": "dapo"}, {"kind": "ppo"} | clips[2] | {"normaliser": "grpo"},
              gspo | {"normaliser": "grpo"}, gspo | {"normaliser": "dapo"},
              {"kind": "cispo", "cap": 1.2, "normaliser": "dapo"}, {"kind": "reinforce", "normaliser": "sequence"}]
    out["losses"] = []
    for c in cases:
        loss, d = gradient_of(lambda x: policy_loss(c, x, old, advantages, mask), log_probs, c["kind"] != "cispo")
        out["losses"].append(c | {"loss": loss, "gradient": flat(d)})
    out["divergences"] = []
    for kind in ("k1", "k2", "k3"):
        loss, d = gradient_of(lambda x: 0.3 * masked_mean(divergence(kind, x, reference), mask), log_probs)
        out["divergences"].append({"kind": kind, "beta": 0.3, "loss": loss, "gradient": flat(d)})

    out["estimated"], out["value"] = [], []
    for gamma, lam, beta in ((1, 0.95, 0.05), (0.9, 0.8, 0.2), (1, 1, 0), (0.99, 0, 0.1)):
        rewards, a, returns = ppo_advantages(old, reference, old_values, scores, mask, beta, gamma, lam)
        out["estimated"].append({"gamma": gamma, "lambda": lam, "beta": beta, "rewards": flat(rewards), "advantages": flat(a),
                                 "returns": flat(returns), "whitened": flat(torch.where(mask, whiten(a, mask), 0.0))})
    for clip in (0.2, 0.05):
        loss, d = gradient_of(lambda x: value_loss(x, old_values, returns, mask, clip), values)
        out["value"].append({"clip": clip, "returns": flat(returns), "loss": loss, "gradient": flat(d),
                             "explained_variance": explained_variance(values, returns, mask)})
    return out


def groups():
    scores = normal(3, 4)
    others = (scores.sum(-1, keepdim=True) - scores) / 3
    mean = scores.mean(-1, keepdim=True)
    advantages = {"grpo": (scores - mean) / (scores.std(-1, keepdim=True) + 1e-4), "dr_grpo": scores - mean, "rloo": scores - others}
    return {"scores": scores.flatten().tolist()} | {name: a.flatten().tolist() for name, a in advantages.items()}


# ---- answers --------------------------------------------------------------------------------------------------------


def preference_losses(c, chosen, rejected, p):
    """[pairs]: as TRL's DPOTrainer, CPOTrainer and ORPOTrainer write them."""
    beta, e = c.get("beta", 0.1), c.get("smoothing", 0.0)
    delta_w, delta_l = chosen - p["reference_chosen"], rejected - p["reference_rejected"]
    mean_w, mean_l = chosen / p["chosen_length"], rejected / p["rejected_length"]
    h = beta * (delta_w - delta_l)
    if c["kind"] == "dpo":
        losses = -F.logsigmoid(h) * (1 - e) - F.logsigmoid(-h) * e
    elif c["kind"] == "robust":
        losses = (-F.logsigmoid(h) * (1 - e) + F.logsigmoid(-h) * e) / (1 - 2 * e)
    elif c["kind"] == "ipo":
        losses = (delta_w / p["chosen_length"] - delta_l / p["rejected_length"] - 1 / (2 * beta)) ** 2
    elif c["kind"] == "hinge":
        losses = torch.relu(1 - h)
    elif c["kind"] == "simpo":
        h = beta * (mean_w - mean_l - c["margin"] / beta)
        losses = -F.logsigmoid(h) * (1 - e) - F.logsigmoid(-h) * e
    else:
        log_odds = (mean_w - mean_l) - (torch.log1p(-torch.exp(mean_w)) - torch.log1p(-torch.exp(mean_l)))
        losses = -mean_w - c["odds"] * F.logsigmoid(log_odds)
    return losses - c.get("nll", 0.0) * mean_w


def pairs():
    n = 6
    p = {"chosen_length": torch.randint(1, 9, (n,), generator=draws).double(),
         "rejected_length": torch.randint(1, 9, (n,), generator=draws).double()}
    chosen, rejected = (-p[k] * uniform(0.05, 3, n) for k in ("chosen_length", "rejected_length"))
    p |= {"reference_chosen": chosen + normal(n, sd=2), "reference_rejected": rejected + normal(n, sd=2)}
    cases = [{"kind": "dpo", "beta": 0.1}, {"kind": "dpo", "beta": 0.5, "smoothing": 0.2}, {"kind": "dpo", "beta": 0.1, "nll": 0.2},
             {"kind": "robust", "beta": 0.3, "smoothing": 0.1}, {"kind": "ipo", "beta": 0.1}, {"kind": "hinge", "beta": 0.2},
             {"kind": "simpo", "beta": 2, "margin": 1}, {"kind": "simpo", "beta": 2.5, "margin": 0.5, "smoothing": 0.1},
             {"kind": "orpo", "odds": 0.1}, {"kind": "orpo", "odds": 1}]
    losses = []
    for c in cases:
        both = torch.stack([chosen, rejected])
        _, d = gradient_of(lambda x: preference_losses(c, x[0], x[1], p).sum(), both)
        losses.append(c | {"loss": preference_losses(c, chosen, rejected, p).tolist(), "d_chosen": d[0].tolist(),
                           "d_rejected": d[1].tolist()})
    return {"chosen": chosen.tolist(), "rejected": rejected.tolist()} | {k: v.tolist() for k, v in p.items()} | {"losses": losses}


def kto_losses(x, reference, desirable, mismatched, c):
    z0 = mismatched.mean().clamp(min=0)
    good = c["desirable"] * (1 - torch.sigmoid(c["beta"] * (x - reference - z0)))
    bad = c["undesirable"] * (1 - torch.sigmoid(c["beta"] * (z0 - (x - reference))))
    return torch.where(desirable, good, bad)


def answers():
    n = 6
    x, reference, mismatched = -uniform(1, 20, n), -uniform(1, 20, n), normal(n, sd=2)
    desirable = torch.tensor([True, False, True, True, False, False])
    out = {"log_probs": x.tolist(), "reference": reference.tolist(), "desirable": desirable.tolist(), "kto": []}
    for c in ({"beta": 0.1, "desirable": 1, "undesirable": 1}, {"beta": 0.5, "desirable": 1.5, "undesirable": 0.75}):
        for sign in (1, -1):  # a reference point above 0, and one that is cut off there
            m = sign * (mismatched - mismatched.mean() + 0.7)
            _, d = gradient_of(lambda y: kto_losses(y, reference, desirable, m, c).sum(), x)
            out["kto"].append(c | {"mismatched": m.tolist(), "loss": kto_losses(x, reference, desirable, m, c).tolist(),
                                   "d_log_prob": d.tolist()})
    return out


def kwise(scores, ranks):
    K = len(ranks)
    pairs_of = [(i, j) for i in range(K) for j in range(K) if ranks[i] < ranks[j]]
    return sum((F.softplus(scores[j] - scores[i]) for i, j in pairs_of), torch.zeros(())) / max(1, K * (K - 1) // 2)


def choice(scores, ranks, i):
    offered = [i] + [j for j in range(len(ranks)) if ranks[j] > ranks[i]]
    return F.cross_entropy(scores[offered].unsqueeze(0), torch.tensor([0]))


def plackett_luce(scores, ranks):
    return sum(choice(scores, ranks, i) for i in range(len(ranks)))


def best_of(scores, ranks):
    best = [i for i, r in enumerate(ranks) if r == min(ranks)]
    return sum(choice(scores, ranks, i) for i in best) / len(best)


def rankings():
    out = []
    for ranks in ([1, 2], [2, 1, 3], [4, 1, 2, 3], [1, 1, 2, 3, 3], [2, 2, 2], [9, 1, 5, 1, 7, 3]):
        scores = normal(len(ranks), sd=2)
        case = {"scores": scores.tolist(), "ranks": ranks}
        for f in (kwise, plackett_luce, best_of):
            tied = len(set(ranks)) == 1 and f is kwise  # nothing depends on the scores
            loss, d = (0.0, torch.zeros_like(scores)) if tied else gradient_of(lambda x: f(x, ranks), scores)
            case[f.__name__] = {"loss": loss, "gradient": d.tolist()}
        out.append(case)
    return out


def comparisons():
    """Pairs of scores; probability: that a is the better one."""
    out = []
    for probability, margin, centring in ((1, 0, 0), (1, 0.7, 0), (1, 0, 0.01), (0.3, 0.5, 0.1)):
        scores = normal(2, sd=2)

        def loss_of(x):
            a, b = x
            better = -F.logsigmoid(a - b - margin), -F.logsigmoid(b - a - margin)
            return probability * better[0] + (1 - probability) * better[1] + centring * (a + b) ** 2

        loss, d = gradient_of(loss_of, scores)
        out.append({"scores": scores.tolist(), "probability": probability, "margin": margin, "centring": centring, "loss": loss,
                    "gradient": d.tolist()})
    return out


def write(path, golden):
    """A line for every entry of a list of cases, so that a change of one shows in a diff as one."""
    def lines(value, depth):
        if isinstance(value, dict) and depth < 2:
            inner = [f"{' ' * (depth + 1)}{json.dumps(k)}: {lines(v, depth + 1)}" for k, v in value.items()]
            return "{\n" + ",\n".join(inner) + "\n" + " " * depth + "}"
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return "[\n" + ",\n".join(" " * (depth + 1) + json.dumps(v) for v in value) + "\n" + " " * depth + "]"
        return json.dumps(value)

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(lines(golden, 0) + "\n")


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "tests/goldens/align/losses.json"
    write(path, {"tokens": tokens(), "groups": groups(), "pairs": pairs(), "answers": answers(), "rankings": rankings(),
                 "comparisons": comparisons()})
    print(f"{path}: {path.stat().st_size} bytes, by PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
