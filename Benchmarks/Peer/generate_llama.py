#!/usr/bin/env python3
"""Greedy generation of one sequence by llama.cpp (package llama-cpp-python); prints one JSON line."""
import argparse, json, time

from llama_cpp import Llama

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True, help="a .gguf file")
parser.add_argument("--threads", type=int, default=2)
options = parser.parse_args()
model = Llama(options.model, n_ctx=512, n_threads=options.threads,
              n_threads_batch=options.threads, verbose=False)
rates = []
for _ in range(3):
    model.reset()
    prompt = [i * 37 % model.n_vocab() for i in range(64)]
    start, count = time.time(), 0
    for _ in model.generate(prompt, temp=0.0, top_k=1):
        count += 1
        if count == 256:
            break
    rates.append(count / (time.time() - start))
print(json.dumps({"tokens_per_second": sorted(rates)[1]}))
