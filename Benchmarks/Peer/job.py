#!/usr/bin/env python3
"""A whole fine-tune with transformers' Trainer and PEFT: the work that `finetune-bench job` does.

  job.py --model DIR --rows FILE --output DIR [--threads N] [--type float32|bfloat16]

Batches of eight rows in the file's order, filled up to their longest row; loss on answers only. Prints one JSON line.
"""
import time

started = time.time()

import argparse, json, re

import torch
from peft import LoraConfig, get_peft_model
from transformers import (AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer,
                          TrainingArguments)

import_seconds = time.time() - started
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def fastest_type():
    """bfloat16 where the processor multiplies it; elsewhere PyTorch is several times slower in it."""
    flags = open("/proc/cpuinfo").read()
    return "bfloat16" if re.search(r"\b(avx512_bf16|amx_bf16|bf16)\b", flags) else "float32"


def tokenized(tokenizer, row):
    """Ids and labels of a row, with the model's own template; the answer and its end are trained."""
    question = row["instruction"] + ("\n\n" + row["input"] if row.get("input") else "")
    messages = [{"role": "user", "content": question}]
    prompt = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    messages.append({"role": "assistant", "content": row["output"]})
    text = tokenizer.apply_chat_template(messages, tokenize=False)
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    end = len(text.rstrip("\n"))
    labels = [token if len(prompt) <= first and last <= end else -100
              for token, (first, last) in zip(encoded.input_ids, encoded.offset_mapping)]
    return {"input_ids": encoded.input_ids, "labels": labels,
            "attention_mask": [1] * len(labels)}


class InOrder(Trainer):
    """Takes the rows in the order of the file."""

    def _get_train_sampler(self, *_):
        return torch.utils.data.SequentialSampler(self.train_dataset)


def computed_tokens(rows, batch):
    """Tokens of all rows when each is as long as the longest of its batch."""
    lengths = [len(row["input_ids"]) for row in rows]
    batches = [lengths[i:i + batch] for i in range(0, len(lengths), batch)]
    return sum(max(b) * len(b) for b in batches)


def peak_bytes():
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--rows", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--type", choices=["float32", "bfloat16"])
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    kind, batch = options.type or fastest_type(), 8
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    rows = [tokenized(tokenizer, row) for row in json.load(open(options.rows))]
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=getattr(torch, kind))
    model.config.use_cache = False
    model = get_peft_model(model, LoraConfig(
        r=8, lora_alpha=16, target_modules=TARGETS, task_type="CAUSAL_LM"))
    steps = -(-len(rows) // batch)
    trainer = InOrder(
        model=model, train_dataset=rows, data_collator=DataCollatorForSeq2Seq(tokenizer),
        args=TrainingArguments(
            output_dir=options.output, num_train_epochs=1, per_device_train_batch_size=batch,
            learning_rate=2e-4, lr_scheduler_type="cosine", warmup_steps=-(-3 * steps // 100),
            bf16=kind == "bfloat16", use_cpu=True, logging_steps=1, save_strategy="no", report_to="none",
            disable_tqdm=True, dataloader_pin_memory=False))
    before = time.time()
    trainer.train()
    training_seconds = time.time() - before
    model.save_pretrained(options.output)
    print(json.dumps({
        "type": kind, "steps": trainer.state.global_step,
        "import_seconds": import_seconds, "training_seconds": training_seconds,
        "tokens": sum(len(row["input_ids"]) for row in rows),
        "trained_tokens": sum(sum(label != -100 for label in row["labels"]) for row in rows),
        "computed_tokens": computed_tokens(rows, batch), "peak_gb": peak_bytes() * 1e-9,
        "losses": [line["loss"] for line in trainer.state.log_history if "loss" in line]}))


if __name__ == "__main__":
    main()
