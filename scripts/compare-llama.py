#!/usr/bin/env python3
"""Does llama.cpp compute what transformers computes, from the files that `finetune export` writes?

    compare-llama.py [--finetune BINARY] [--types F32 Q8_0 ...] MODEL ...

A MODEL is a Hugging Face directory; where it holds `adapter/`, the adapter is merged for the GGUF model and written
alone for the GGUF LoRA. For each it prints the largest difference of logits after every token of a text, and whether
the likeliest token is the same everywhere; ids of the text as llama.cpp and tokenizers make them; and exits with 1
where something differs by more than --tolerance (float32 files) or in the likeliest token.

Needs: torch, transformers, peft, gguf, and llama-cpp-python, built without what this processor lacks:

    CMAKE_ARGS="-DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON" pip install llama-cpp-python==0.3.36
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import llama_cpp
import numpy as np
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM
from tokenizers import Tokenizer

TEXTS = [
    "The quick brown fox jumps over the lazy dog. What is the answer? It's 42, isn't it?",
    "def add(a, b):\n    return a + b\n\nGive me 3 things: 12, 345 and 6789.",
    "Der schnelle Fuchs springt über den faulen Hund. Le café est fermé à midi.",
]
FLOAT32 = 0  # GGML's number of the type, for the cache


def reference(model, adapter, ids):
    loaded = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32, attn_implementation="eager")
    if adapter:
        loaded = PeftModel.from_pretrained(loaded, adapter)
    with torch.no_grad():
        return loaded.eval()(torch.tensor([ids])).logits[0].numpy()


def llama(path, ids, lora=None):
    model = llama_cpp.Llama(
        str(path), n_ctx=len(ids) + 8, n_batch=len(ids), logits_all=True, type_k=FLOAT32, type_v=FLOAT32,
        lora_path=str(lora) if lora else None, verbose=False, n_threads=2,
    )  # fmt: skip
    model.eval(ids)
    return np.array(model.scores[: len(ids)])


def llama_ids(path, text):
    model = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
    return model.tokenize(text.encode(), add_bos=False, special=True)


def export(finetune, *arguments):
    done = subprocess.run([finetune, "export", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return done.stderr


def compared(actual, expected):
    width = expected.shape[1]
    difference = float(np.abs(actual[:, :width] - expected).max())
    same = float((actual[:, :width].argmax(1) == expected.argmax(1)).mean())
    return difference, same


def shown_tokens(model, most=48):
    """Of models whose window llama.cpp ignores, no more than that."""
    config = json.loads((model / "config.json").read_text())
    window = config.get("sliding_window")
    uses = config.get("use_sliding_window", True) and not config["model_type"].startswith("gemma")
    return min(most, window) if window and uses else most


def check(model, arguments, folder):
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    ids = tokenizer.encode(TEXTS[0], add_special_tokens=False).ids[: shown_tokens(model)]
    adapter = model / "adapter" if (model / "adapter").is_dir() else None
    plain = reference(model, None, ids)
    rows = []

    def row(what, path, expected, strict, lora=None):
        difference, same = compared(llama(path, ids, lora), expected)
        rows.append((what, difference, same, not strict or (difference <= arguments.tolerance and same == 1)))

    for kind in arguments.types:
        path = folder / f"{kind}.gguf"
        export(arguments.finetune, "--model", model, "--format", "gguf", "--type", kind, "--output", path)
        row(kind, path, plain, kind == "F32")
    if adapter:
        expected = reference(model, adapter, ids)
        merged, lora = folder / "merged.gguf", folder / "lora.gguf"
        both = ["--model", model, "--adapter", adapter]
        export(arguments.finetune, *both, "--format", "gguf", "--type", "F32", "--output", merged)
        row("F32 merged", merged, expected, True)
        export(arguments.finetune, *both, "--format", "gguf-lora", "--output", lora)
        row("F32 + LoRA", folder / "F32.gguf", expected, True, lora)
        rows.append(("(effect of LoRA)", float(np.abs(expected - plain).max()), 1.0, True))
    other = [t for t in TEXTS if llama_ids(folder / "F32.gguf", t) != tokenizer.encode(t, add_special_tokens=False).ids]
    rows.append((f"ids of {len(TEXTS)} texts", float(len(other)), 1.0, not other))
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="+", type=pathlib.Path)
    parser.add_argument("--finetune", default=".build/release/finetune")
    parser.add_argument("--types", nargs="+", default=["F32", "F16", "BF16", "Q8_0"])
    parser.add_argument("--tolerance", type=float, default=2e-2)
    arguments = parser.parse_args()
    if "F32" not in arguments.types:
        arguments.types.insert(0, "F32")
    failed = False
    for model in arguments.models:
        with tempfile.TemporaryDirectory() as folder:
            try:
                rows = check(model, arguments, pathlib.Path(folder))
            except Exception as problem:
                rows = [(f"{type(problem).__name__}: {problem}"[:300], float("nan"), 0.0, False)]
        for what, difference, same, fine in rows:
            print(f"{model.name:14} {what:18} {difference:10.2e}  argmax {same:6.1%}  {'ok' if fine else 'FAILED'}")
            failed |= not fine
    sys.exit(failed)


if __name__ == "__main__":
    main()
