#!/usr/bin/env python3
"""Makes Tests/Golden/families/<family>: a random two-layer model of each family beside Llama, its config.json spelled
as on the Hub, an adapter on all linear layers, and what transformers + PEFT compute with them in float64: logits of
rows[0], greedy continuations, the loss of the masked rows, all LoRA gradients. Files and keys are named as in
Tests/Golden/tiny-llama, whose tokenizer is used.

Every setting of a family matters here: the script ends with an error where leaving out a window, a cap, a bias or a
norm would change the logits by less than fifty times the tolerance of the tests.

Needs torch, transformers, peft, safetensors. Run from the repository root, after scripts/golden/tiny_llama.py:
  python3 scripts/golden/families.py
"""
import json
import os
import shutil
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

OUT = "Tests/Golden/families"
TOKENIZER = "Tests/Golden/tiny-llama"
TARGETS = ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"]
IGNORED = -100
CONTINUATION = 12

SHAPE = dict(
    vocab_size=384, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=256, bos_token_id=1, eos_token_id=2, attention_dropout=0.0,
    initializer_range=0.02, use_cache=True, torch_dtype="bfloat16", transformers_version="4.43.1")

# `config`: what config.json says besides SHAPE, or instead. `without`: changes of it that must change the logits.
# As on the Hub, gemma2 does not name tie_word_embeddings, whose default there is true, and no file names layer_types.
FAMILIES = {
    "qwen2": dict(
        seed=31,
        config=dict(
            architectures=["Qwen2ForCausalLM"], model_type="qwen2", hidden_act="silu", rms_norm_eps=1e-6,
            rope_theta=1000000.0, tie_word_embeddings=True, use_sliding_window=True, sliding_window=8,
            max_window_layers=1),
        without=[dict(use_sliding_window=False), dict(max_window_layers=0)]),
    "qwen3": dict(
        seed=32,
        config=dict(
            architectures=["Qwen3ForCausalLM"], model_type="qwen3", hidden_act="silu", rms_norm_eps=1e-6,
            rope_theta=1000000.0, rope_scaling=None, hidden_size=24, head_dim=16, num_key_value_heads=1,
            attention_bias=False, tie_word_embeddings=False, use_sliding_window=False, sliding_window=8,
            max_window_layers=1),
        without=[dict(use_sliding_window=True), dict(rope_theta=10000.0)]),
    "gemma2": dict(
        seed=65,
        config=dict(
            architectures=["Gemma2ForCausalLM"], model_type="gemma2", hidden_act="gelu_pytorch_tanh",
            hidden_activation="gelu_pytorch_tanh", rms_norm_eps=1e-6, rope_theta=10000.0, hidden_size=24, head_dim=16,
            attention_bias=False, query_pre_attn_scalar=24, sliding_window=8, attn_logit_softcapping=5.0,
            final_logit_softcapping=2.0, cache_implementation="hybrid", pad_token_id=0),
        without=[
            dict(sliding_window=256), dict(attn_logit_softcapping=None), dict(final_logit_softcapping=None),
            dict(query_pre_attn_scalar=16), dict(hidden_activation="gelu"), dict(hidden_activation="silu")]),
}


def path_of(family):
    return f"{OUT}/{family}"


def write_json(path, value):
    with open(path, "w") as file:
        json.dump(value, file, indent=2)
        file.write("\n")


def write_model(family, generator):
    """config.json, the tokenizer and random weights in bfloat16."""
    os.makedirs(path_of(family))
    write_json(f"{path_of(family)}/config.json", {**SHAPE, **FAMILIES[family]["config"]})
    for name in ["tokenizer.json", "tokenizer_config.json"]:
        shutil.copyfile(f"{TOKENIZER}/{name}", f"{path_of(family)}/{name}")
    config = AutoConfig.from_pretrained(path_of(family))
    weights = {}
    for name, parameter in AutoModelForCausalLM.from_config(config).named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if name.endswith("norm.weight"):
            weights[name] = neutral(family, name) + 0.3 * noise
        elif name.endswith(".bias"):
            weights[name] = 0.5 * noise
        elif "embed_tokens" in name:
            weights[name] = 0.15 * noise
        else:
            weights[name] = 1.5 * noise / parameter.shape[1] ** 0.5
    save_file({name: value.to(torch.bfloat16) for name, value in weights.items()},
              f"{path_of(family)}/model.safetensors", {"format": "pt"})


def neutral(family, name):
    """The value with which a norm's weight or a bias does nothing. Gemma scales by 1 + weight."""
    return 0.0 if name.endswith(".bias") or family.startswith("gemma") else 1.0


def load_model(family, changes=None):
    with open(f"{path_of(family)}/config.json") as file:
        settings = json.load(file)
    config = type(AutoConfig.from_pretrained(path_of(family))).from_dict({**settings, **(changes or {})})
    return AutoModelForCausalLM.from_pretrained(
        path_of(family), config=config, dtype=torch.float64, attn_implementation="eager").eval()


def logits_of(model, ids):
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids]), use_cache=False).logits[0]


def make_rows(generator):
    """Rows of several lengths that begin masked. One has a hole in its labels, one is too short to train on."""
    rows = []
    for length, start in [(21, 9), (7, 3), (33, 18), (1, 0), (17, 1)]:
        ids = torch.randint(3, SHAPE["vocab_size"], (length,), generator=generator).tolist()
        rows.append(dict(ids=ids, labels=[IGNORED] * start + ids[start:]))
    rows[2]["labels"][25] = IGNORED
    return rows


def require_that_everything_matters(family, ids):
    expected = logits_of(load_model(family), ids)

    def require_change(logits, what):
        change = (logits - expected).abs().max().item()
        if change < 5e-4:
            raise SystemExit(f"{family}: {what} changes the logits by only {change:.1e}; make the case sharper.")

    for changes in FAMILIES[family]["without"]:
        require_change(logits_of(load_model(family, changes), ids), changes)
    model = load_model(family)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 1:
                kept = parameter.clone()
                parameter.fill_(neutral(family, name))
                require_change(logits_of(model, ids), f"a neutral {name}")
                parameter.copy_(kept)


def greedy(model, prompt):
    """CONTINUATION tokens, each the clear winner: rounding must not decide."""
    ids = list(prompt)
    for _ in range(CONTINUATION):
        best = torch.topk(logits_of(model, ids)[-1], 2)
        if best.values[0] - best.values[1] < 1e-3:
            raise SystemExit("A greedy choice is too close; take another seed.")
        ids.append(best.indices[0].item())
    continuation = ids[len(prompt):]
    if len(set(continuation)) < CONTINUATION // 2:
        raise SystemExit(f"A greedy continuation repeats itself: {continuation}; take another seed.")
    return continuation


def attach_adapter(family, model, generator):
    """LoRA on all linear layers, both factors random float32 values, written as PEFT writes it."""
    peft = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules=TARGETS, task_type="CAUSAL_LM")).eval()
    with torch.no_grad():
        for name, parameter in peft.named_parameters():
            if parameter.requires_grad:
                scale = 0.3 / parameter.shape[1] ** 0.5 if "lora_A" in name else 0.15
                parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))
    directory = f"{path_of(family)}/adapter"
    peft.save_pretrained(directory)
    os.remove(f"{directory}/README.md")
    factors = load_file(f"{directory}/adapter_model.safetensors")
    save_file({name: value.float() for name, value in factors.items()},
              f"{directory}/adapter_model.safetensors", {"format": "pt"})
    with open(f"{directory}/adapter_config.json") as file:
        config = json.load(file)
    # PEFT writes a set in the order of its hashes, and the path that the base was read from.
    config.update(target_modules=TARGETS, base_model_name_or_path=None)
    write_json(f"{directory}/adapter_config.json", config)
    return peft


def mean_loss(model, rows):
    """The mean over all trained tokens of all rows, and how many they are."""
    total, count = 0.0, 0
    for row in rows:
        labels = torch.tensor(row["labels"][1:])
        logits = model(input_ids=torch.tensor([row["ids"]]), use_cache=False).logits[0, :-1]
        if (labels != IGNORED).any():
            total += torch.nn.functional.cross_entropy(logits, labels, ignore_index=IGNORED, reduction="sum")
            count += (labels != IGNORED).sum().item()
    return total / count, count


def write_golden(family):
    generator = torch.Generator().manual_seed(FAMILIES[family]["seed"])
    write_model(family, generator)
    rows = make_rows(generator)
    prompt = rows[0]["ids"]
    require_that_everything_matters(family, prompt)
    model = load_model(family)
    tensors = {"base_logits": logits_of(model, prompt)}
    base_continuation = greedy(model, prompt)

    peft = attach_adapter(family, model, generator)
    loss, trained_tokens = mean_loss(peft, rows)
    loss.backward()
    gradients = {name.replace(".default", ""): p.grad for name, p in peft.named_parameters() if p.requires_grad}
    norm = sum(gradient.square().sum() for gradient in gradients.values()).sqrt()
    tensors.update({f"gradient.{name}": gradient for name, gradient in gradients.items()})
    save_file({name: value.float().contiguous() for name, value in tensors.items()},
              f"{path_of(family)}/golden.safetensors")
    golden = dict(
        rows=rows, trained_tokens=trained_tokens, losses=[loss.item()], gradient_norms=[norm.item()],
        greedy=dict(prompt=prompt, base=base_continuation, adapted=greedy(peft, prompt)))
    with open(f"{path_of(family)}/golden.json", "w") as file:
        json.dump(golden, file)
        file.write("\n")


def main():
    torch.set_num_threads(1)
    shutil.rmtree(OUT, ignore_errors=True)
    for family in FAMILIES:
        write_golden(family)


if __name__ == "__main__":
    main()
