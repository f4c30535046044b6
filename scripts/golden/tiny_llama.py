#!/usr/bin/env python3
"""Makes Tests/Golden/tiny-llama: a random two-layer Llama with a tokenizer and a chat template, and what
PyTorch + PEFT compute with it in float64: logits, losses, all LoRA gradients, ten optimizer steps.

Needs torch, transformers, peft, tokenizers, safetensors. Run from the repository root:
  python3 scripts/golden/tiny_llama.py
"""
import json
import os
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM

OUT = "Tests/Golden/tiny-llama"
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>'"
    " + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def make_tokenizer():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=384, special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    rows = json.load(open("Data/" + next(n for n in sorted(os.listdir("Data")) if n.endswith("-alpaca.json"))))
    texts = [r["instruction"] + "\n" + r["output"] for r in rows]
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.save(f"{OUT}/tokenizer.json", pretty=False)
    config = dict(tokenizer_class="PreTrainedTokenizerFast", bos_token="<|im_start|>", eos_token="<|im_end|>",
                  unk_token="<|endoftext|>", chat_template=TEMPLATE)
    json.dump(config, open(f"{OUT}/tokenizer_config.json", "w"), indent=2)
    return tokenizer


def make_model(vocabulary):
    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=vocabulary, hidden_size=64, intermediate_size=112, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=256, rope_theta=10000.0, rms_norm_eps=1e-5,
        tie_word_embeddings=False, bos_token_id=1, eos_token_id=2)
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(torch.randn_like(p) * 0.12 + (1.0 if "norm" in name else 0.0))
    model.to(torch.float32).save_pretrained(OUT)
    os.remove(f"{OUT}/generation_config.json")
    return model


def main():
    os.makedirs(OUT, exist_ok=True)
    tokenizer = make_tokenizer()
    model = make_model(tokenizer.get_vocab_size()).double()
    model.config._attn_implementation = "eager"
    rows = []
    generator = torch.Generator().manual_seed(11)
    for length, start in [(23, 9), (7, 3), (40, 25), (1, 0), (17, 1)]:
        ids = torch.randint(3, 384, (length,), generator=generator).tolist()
        rows.append(dict(ids=ids, labels=[-100] * start + ids[start:]))
    golden = {}
    with torch.no_grad():
        golden["base_logits"] = model(input_ids=torch.tensor([rows[0]["ids"]])).logits[0]

    torch.manual_seed(13)
    targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    peft = get_peft_model(model, LoraConfig(r=4, lora_alpha=12, target_modules=targets, task_type="CAUSAL_LM"))
    with torch.no_grad():
        for name, p in peft.named_parameters():
            if "lora_B" in name:
                p.copy_(torch.randn_like(p) * 0.05)
            if p.requires_grad:
                p.copy_(p.float())
    peft.save_pretrained(f"{OUT}/adapter")
    os.remove(f"{OUT}/adapter/README.md")
    adapter = load_file(f"{OUT}/adapter/adapter_model.safetensors")
    save_file({k: v.float() for k, v in adapter.items()}, f"{OUT}/adapter/adapter_model.safetensors", {"format": "pt"})

    trained = {n: p for n, p in peft.named_parameters() if p.requires_grad}
    optimizer = torch.optim.AdamW(trained.values(), lr=1e-2, weight_decay=0.1)

    def row_loss(row):
        if len(row["ids"]) < 2:
            return None, 0
        logits = peft(input_ids=torch.tensor([row["ids"]])).logits[0, :-1]
        labels = torch.tensor(row["labels"][1:])
        return torch.nn.functional.cross_entropy(logits, labels, ignore_index=-100, reduction="sum"), int((labels != -100).sum())

    n = sum(sum(l != -100 for l in row["labels"][1:]) for row in rows)
    losses, norms = [], []
    for step in range(10):
        optimizer.zero_grad()
        total = 0.0
        for row in rows:
            loss, count = row_loss(row)
            if count:
                (loss / n).backward()
                total += loss.item() / n
        if step == 0:
            for name, p in trained.items():
                golden["gradient." + name.replace(".default", "")] = p.grad.clone()
        norms.append(torch.nn.utils.clip_grad_norm_(trained.values(), 0.5).item())
        losses.append(total)
        optimizer.step()
    for name, p in trained.items():
        golden["trained." + name.replace(".default", "")] = p.detach().clone()
    save_file({k: v.detach().float().contiguous() for k, v in golden.items()}, f"{OUT}/golden.safetensors")
    json.dump(dict(rows=rows, trained_tokens=n, losses=losses, gradient_norms=norms, learning_rate=1e-2,
                   weight_decay=0.1, max_grad_norm=0.5), open(f"{OUT}/golden.json", "w"), indent=1)


if __name__ == "__main__":
    main()
