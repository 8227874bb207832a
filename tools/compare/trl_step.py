#!/usr/bin/env python3
"""Training steps of TRL's SFTTrainer or DPOTrainer on a CPU; prints {"ms", "losses", "grad_norms"}, a value for each step.

    python3 tools/compare/trl_step.py dpo --model FOLDER --data pairs.jsonl --steps 6

All examples of the file are one batch, so every step does the same work. sft: {"prompt", "completion"}, the loss is that of
the completion; dpo: {"prompt", "chosen", "rejected"}. The text is taken as it is; TRL appends the end-of-text.

Settings are TRL's, but for those that would make it slower than it can be, or another computation: f32, no recomputation of
activations (gradient_checkpointing), reference log-probabilities before the first step, the optimizer's settings of gradus. A
step is timed from on_step_begin to on_step_end: forward, backward, clipping and update, without the loading of the data.
"""
import argparse
import json
import os
import sys
import time

os.environ["HF_HUB_OFFLINE"] = "1"

import datasets
import torch
import transformers
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer


class Steps(transformers.TrainerCallback):
    def __init__(self):
        self.ms, self.grad_norms = [], []

    def on_step_begin(self, *_, **__):
        self.began = time.perf_counter()

    def on_step_end(self, *_, **__):
        self.ms.append(1e3 * (time.perf_counter() - self.began))

    def on_log(self, *_, logs, **__):
        if "grad_norm" in logs:
            self.grad_norms.append(float(logs["grad_norm"]))


def with_losses(trainer_class, losses):
    """The class, whose steps append their loss, which the log rounds."""
    class Trainer(trainer_class):
        def training_step(self, *args, **kwargs):
            loss = super().training_step(*args, **kwargs)
            losses.append(loss.item())
            return loss
    return Trainer


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("stage", choices=("sft", "dpo"))
    p.add_argument("--model", required=True, help="folder of a transformers model and its tokenizer")
    p.add_argument("--data", required=True, help="JSON lines")
    p.add_argument("--steps", type=int, default=6)
    p.add_argument("--context", type=int, default=1024, help="longest text; with --packing, tokens in a row")
    p.add_argument("--packing", action="store_true", help="sft: SFTConfig(packing=True)")
    p.add_argument("--lr", type=float, default=1e-5)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--out", required=True, help="scratch folder")
    a = p.parse_args()

    torch.set_num_threads(a.threads)
    datasets.disable_progress_bars()
    tokenizer = transformers.AutoTokenizer.from_pretrained(a.model)
    model = transformers.AutoModelForCausalLM.from_pretrained(a.model, dtype=torch.float32)
    data = datasets.Dataset.from_json(a.data, cache_dir=a.out)
    settings = dict(output_dir=a.out, use_cpu=True, bf16=False, gradient_checkpointing=False, max_length=a.context,
                    per_device_train_batch_size=len(data), max_steps=a.steps, learning_rate=a.lr,
                    lr_scheduler_type="constant", adam_beta1=0.9, adam_beta2=0.95, adam_epsilon=1e-8, weight_decay=0.0,
                    max_grad_norm=1.0, logging_steps=1, save_strategy="no", report_to="none", disable_tqdm=True, seed=1)
    steps, losses = Steps(), []
    if a.stage == "sft":
        trainer_class, config = SFTTrainer, SFTConfig(packing=a.packing, **settings)
    else:
        trainer_class, config = DPOTrainer, DPOConfig(precompute_ref_log_probs=True, beta=0.1, **settings)
    trainer = with_losses(trainer_class, losses)(model=model, args=config, train_dataset=data,
                                                 processing_class=tokenizer, callbacks=[steps])
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.train()
    if not len(losses) == len(steps.ms) == len(steps.grad_norms) == a.steps:
        sys.exit(f"trl_step.py: {a.steps} steps were asked for, and {len(losses)} batches were trained")
    print(json.dumps({"ms": steps.ms, "losses": losses, "grad_norms": steps.grad_norms}))


if __name__ == "__main__":
    main()
