#!/usr/bin/env python3
"""Greedy generation of one sequence by transformers in bfloat16; prints one JSON line."""
import argparse, json, time

import torch
from transformers import AutoModelForCausalLM

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--threads", type=int)
options = parser.parse_args()
if options.threads:
    torch.set_num_threads(options.threads)
model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.bfloat16)
prompt = torch.tensor([[i * 37 % model.config.vocab_size for i in range(64)]])
rates = []
for _ in range(3):
    start = time.time()
    model.generate(prompt, attention_mask=torch.ones_like(prompt), do_sample=False,
                   max_new_tokens=256, min_new_tokens=256, pad_token_id=0)
    rates.append(256 / (time.time() - start))
print(json.dumps({"tokens_per_second": sorted(rates)[1]}))
