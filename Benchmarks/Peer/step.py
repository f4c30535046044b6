#!/usr/bin/env python3
"""A training step of PyTorch + PEFT (+ bitsandbytes): the work that `finetune-bench step` does.

  step.py --model DIR [--threads N] f32|bf16|nf4 [ckpt] [compile]      prints one JSON line
"""
import argparse, json, resource, time

import torch
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--threads", type=int)
parser.add_argument("--rows", type=int, default=4)
parser.add_argument("--length", type=int, default=512)
parser.add_argument("--steps", type=int, default=5)
parser.add_argument("way", nargs="+")
options = parser.parse_args()
if options.threads:
    torch.set_num_threads(options.threads)
torch.manual_seed(0)

kind, checkpointing = options.way[0], "ckpt" in options.way
arguments = {"dtype": torch.float32 if kind == "f32" else torch.bfloat16}
if kind == "nf4":
    arguments["quantization_config"] = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16)
model = AutoModelForCausalLM.from_pretrained(options.model, **arguments)
model.config.use_cache = False
if kind == "nf4":
    model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=checkpointing)
elif checkpointing:
    model.gradient_checkpointing_enable()
    model.enable_input_require_grads()
targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
model = get_peft_model(
    model, LoraConfig(r=8, lora_alpha=16, target_modules=targets, task_type="CAUSAL_LM"))
model.train()
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=2e-4)
ids = torch.randint(0, model.config.vocab_size, (options.rows, options.length))
forward = torch.compile(model) if "compile" in options.way else model
seconds, first_end = [], None
for _ in range(options.steps):
    start = time.time()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=kind != "f32"):
        loss = forward(input_ids=ids, labels=ids).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    seconds.append(time.time() - start)
    first_end = first_end or time.time()
later = sorted(seconds[1:])
print(json.dumps({
    "tokens_per_second": options.rows * options.length / later[len(later) // 2],
    "first_end": first_end,
    "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024e-9,
    "seconds": seconds}))
