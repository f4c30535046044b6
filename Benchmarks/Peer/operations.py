#!/usr/bin/env python3
"""Single operations of PyTorch and bitsandbytes, in milliseconds (best of several), as one JSON line."""
import argparse, json, time

import torch

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int)
options = parser.parse_args()
if options.threads:
    torch.set_num_threads(options.threads)


def best(body, budget=0.5):
    body()
    times, start = [], time.time()
    while len(times) < 5 or time.time() - start < budget:
        before = time.time()
        body()
        times.append(time.time() - before)
    return min(times) * 1e3


results = {}
for heads, kv_heads, width, length, rows in [
        (9, 3, 64, 512, 4), (9, 3, 64, 2048, 1), (32, 32, 128, 512, 1), (32, 32, 128, 2048, 1)]:
    def tensor(count):
        return torch.randn(rows, count, length, width, dtype=torch.bfloat16, requires_grad=True)

    q, k, v = tensor(heads), tensor(kv_heads), tensor(kv_heads)
    gradient = torch.randn(rows, heads, length, width, dtype=torch.bfloat16)

    def attend():
        # As transformers does: keys and values are repeated for their group of queries.
        group = heads // kv_heads
        return torch.nn.functional.scaled_dot_product_attention(
            q, k.repeat_interleave(group, 1), v.repeat_interleave(group, 1), is_causal=True)

    key = f"{rows}_{heads}_{kv_heads}_{width}_{length}"
    with torch.no_grad():
        results["sdpa_forward_" + key] = best(attend)
    out = attend()
    results["sdpa_backward_" + key] = best(lambda: out.backward(gradient, retain_graph=True))

try:
    import bitsandbytes.functional as functional
    values = torch.randn(1 << 22, dtype=torch.bfloat16)
    milliseconds = best(lambda: functional.quantize_4bit(
        values, blocksize=64, quant_type="nf4", compress_statistics=True))
    results["nf4_quantize_ns"] = milliseconds * 1e6 / values.numel()
except ImportError:
    pass
print(json.dumps(results))
