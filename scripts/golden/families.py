#!/usr/bin/env python3
"""Makes Tests/Golden/families/<family>: a random two-layer model of each family, its config.json spelled as on the Hub, an adapter on all linear layers, and what transformers + PEFT compute with them in float64: logits of
rows[0], greedy continuations, the loss of the masked rows, all LoRA gradients. Files and keys are named as in
Tests/Golden/tiny-llama, whose tokenizer is used.

Every setting of a family matters here: the script ends with an error where leaving out a window, a cap, a bias or a
norm would change the logits by less than fifty times the tolerance of the tests.

Needs torch, transformers, peft, safetensors. Run from the repository root, after scripts/golden/tiny_llama.py:
  python3 scripts/golden/families.py [FAMILY ...]
"""
import json
import os
import re
import shutil
import sys
import tempfile
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
    "gemma": dict(
        seed=41,
        config=dict(
            architectures=["GemmaForCausalLM"], model_type="gemma", hidden_act="gelu", rms_norm_eps=1e-6,
            rope_theta=10000.0, rope_scaling=None, head_dim=16, num_key_value_heads=1, hidden_size=24,
            attention_bias=False, pad_token_id=0),
        without=[dict(rope_theta=1000.0)]),
    "gemma3": dict(
        seed=243,
        config=dict(
            architectures=["Gemma3ForCausalLM"], model_type="gemma3_text", hidden_activation="gelu_pytorch_tanh",
            rms_norm_eps=1e-6, rope_theta=1000000.0, rope_local_base_freq=10000.0,
            rope_scaling=dict(factor=8.0, rope_type="linear"), hidden_size=24, head_dim=16, num_hidden_layers=2,
            attention_bias=False, query_pre_attn_scalar=24, sliding_window=8, sliding_window_pattern=2,
            attn_logit_softcapping=None, final_logit_softcapping=None, pad_token_id=0, tie_word_embeddings=False),
        without=[dict(sliding_window=256), dict(query_pre_attn_scalar=16), dict(rope_local_base_freq=100.0),
                 dict(rope_theta=10000.0)]),
    "phi3": dict(
        seed=144, targets=["down_proj", "gate_up_proj", "o_proj", "qkv_proj"],
        config=dict(
            architectures=["Phi3ForCausalLM"], model_type="phi3", hidden_act="silu", rms_norm_eps=1e-5,
            rope_theta=10000.0, original_max_position_embeddings=16, partial_rotary_factor=0.75, sliding_window=12,
            rope_scaling=dict(type="longrope", short_factor=[1.0, 1.3, 1.7], long_factor=[1.0, 4.0, 12.0]),
            embd_pdrop=0.0, resid_pdrop=0.0, tie_word_embeddings=False, pad_token_id=0),
        without=[dict(sliding_window=None), dict(original_max_position_embeddings=64)]),
    "phi": dict(
        seed=45, targets=["dense", "fc1", "fc2", "k_proj", "q_proj", "v_proj"],
        config=dict(
            architectures=["PhiForCausalLM"], model_type="phi", hidden_act="gelu_new", layer_norm_eps=1e-5,
            rope_theta=10000.0, rope_scaling=None, partial_rotary_factor=0.5, qk_layernorm=False, embd_pdrop=0.0,
            resid_pdrop=0.0, tie_word_embeddings=False),
        without=[dict(partial_rotary_factor=1.0), dict(hidden_act="relu")]),
    "gpt2": dict(
        seed=1346, targets=["c_attn", "c_fc", "c_proj"],
        config=dict(
            architectures=["GPT2LMHeadModel"], model_type="gpt2", activation_function="gelu_new", n_embd=32, n_layer=2,
            n_head=4, n_positions=256, n_inner=None, n_ctx=256, layer_norm_epsilon=1e-5, resid_pdrop=0.0, embd_pdrop=0.0,
            attn_pdrop=0.0, scale_attn_by_inverse_layer_idx=True),
        without=[dict(scale_attn_by_inverse_layer_idx=False), dict(activation_function="relu")]),
    "gpt_neox": dict(
        seed=147, targets=["dense", "dense_4h_to_h", "dense_h_to_4h", "query_key_value"],
        config=dict(
            architectures=["GPTNeoXForCausalLM"], model_type="gpt_neox", hidden_act="gelu", layer_norm_eps=1e-5,
            rotary_pct=0.25, rotary_emb_base=10000, use_parallel_residual=True, tie_word_embeddings=False,
            attention_bias=True, hidden_dropout=0.0, classifier_dropout=0.0),
        without=[dict(use_parallel_residual=False), dict(rotary_pct=0.5), dict(hidden_act="relu")]),
    "falcon": dict(
        seed=148, targets=["dense", "dense_4h_to_h", "dense_h_to_4h", "query_key_value"],
        config=dict(
            architectures=["FalconForCausalLM"], model_type="falcon", layer_norm_epsilon=1e-5, multi_query=True,
            parallel_attn=True, new_decoder_architecture=False, alibi=False, bias=False, hidden_dropout=0.0),
        without=[]),
    "falcon-sequential": dict(
        seed=1049, targets=["dense", "dense_4h_to_h", "dense_h_to_4h", "query_key_value"],
        config=dict(
            architectures=["FalconForCausalLM"], model_type="falcon", layer_norm_epsilon=1e-5, multi_query=False,
            parallel_attn=False, new_decoder_architecture=False, alibi=False, bias=True, hidden_dropout=0.0),
        without=[]),
    "falcon-new": dict(
        seed=550, targets=["dense", "dense_4h_to_h", "dense_h_to_4h", "query_key_value"],
        config=dict(
            architectures=["FalconForCausalLM"], model_type="falcon", layer_norm_epsilon=1e-5, num_kv_heads=2,
            new_decoder_architecture=True, alibi=False, bias=False, hidden_dropout=0.0),
        without=[]),
    "olmo2": dict(
        seed=151,
        config=dict(
            architectures=["Olmo2ForCausalLM"], model_type="olmo2", hidden_act="silu", rms_norm_eps=1e-6,
            rope_theta=500000.0, rope_scaling=None, attention_bias=False, tie_word_embeddings=False),
        without=[dict(rope_theta=1000.0)]),
    "smollm3": dict(
        seed=52,
        config=dict(
            architectures=["SmolLM3ForCausalLM"], model_type="smollm3", hidden_act="silu", rms_norm_eps=1e-6,
            rope_theta=5000000.0, rope_scaling=None, no_rope_layers=[1, 0], no_rope_layer_interval=2,
            use_sliding_window=False, sliding_window=None, attention_bias=False, mlp_bias=False, pad_token_id=0),
        without=[dict(no_rope_layers=[1, 1]), dict(no_rope_layers=[0, 0])]),
    "granite": dict(
        seed=53,
        config=dict(
            architectures=["GraniteForCausalLM"], model_type="granite", hidden_act="silu", rms_norm_eps=1e-5,
            rope_theta=10000.0, rope_scaling=None, embedding_multiplier=3.0, attention_multiplier=0.2,
            residual_multiplier=0.7, logits_scaling=2.5, attention_bias=False, mlp_bias=False,
            tie_word_embeddings=False, pad_token_id=0),
        without=[dict(embedding_multiplier=1.0), dict(attention_multiplier=0.5), dict(residual_multiplier=1.0),
                 dict(logits_scaling=1.0)]),
    "starcoder2": dict(
        seed=954, targets=["c_fc", "c_proj", "k_proj", "o_proj", "q_proj", "v_proj"],
        config=dict(
            architectures=["Starcoder2ForCausalLM"], model_type="starcoder2", hidden_act="gelu_pytorch_tanh",
            norm_epsilon=1e-5, rope_theta=10000.0, sliding_window=8, use_bias=True, residual_dropout=0.0,
            embedding_dropout=0.0, mlp_type="default", norm_type="layer_norm"),
        without=[dict(sliding_window=None)]),
    "mixtral": dict(
        seed=55, targets=["k_proj", "o_proj", "q_proj", "v_proj"],
        config=dict(
            architectures=["MixtralForCausalLM"], model_type="mixtral", hidden_act="silu", rms_norm_eps=1e-5,
            rope_theta=1000000.0, sliding_window=None, num_local_experts=4, num_experts_per_tok=2,
            output_router_logits=False, router_aux_loss_coef=0.02, tie_word_embeddings=False, intermediate_size=24),
        without=[dict(num_experts_per_tok=3)]),
    "qwen3-moe": dict(
        seed=56, targets=["k_proj", "o_proj", "q_proj", "v_proj"],
        config=dict(
            architectures=["Qwen3MoeForCausalLM"], model_type="qwen3_moe", hidden_act="silu", rms_norm_eps=1e-6,
            rope_theta=1000000.0, rope_scaling=None, head_dim=16, num_experts=6, num_experts_per_tok=3,
            moe_intermediate_size=20, norm_topk_prob=False, mlp_only_layers=[0], decoder_sparse_step=1,
            attention_bias=False, use_sliding_window=False, tie_word_embeddings=True),
        without=[dict(norm_topk_prob=True), dict(num_experts_per_tok=2)]),
    "llama-yarn": dict(
        seed=57,
        config=dict(
            architectures=["LlamaForCausalLM"], model_type="llama", hidden_act="silu", rms_norm_eps=1e-5,
            rope_theta=10000.0, attention_bias=True, mlp_bias=True, head_dim=16, tie_word_embeddings=False,
            rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16, mscale=0.8,
                              mscale_all_dim=0.5, beta_fast=2.0, beta_slow=0.5)),
        without=[dict(rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16)),
                 dict(rope_scaling=dict(rope_type="linear", factor=4.0))]),
    "llama-dynamic": dict(
        seed=58,
        config=dict(
            architectures=["LlamaForCausalLM"], model_type="llama", hidden_act="silu", rms_norm_eps=1e-5,
            rope_theta=10000.0, max_position_embeddings=16, head_dim=16, tie_word_embeddings=True,
            rope_scaling=dict(type="dynamic", factor=2.0)),
        without=[dict(max_position_embeddings=32)]),
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
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(path_of(family)))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if is_norm(name):
                value = neutral(family, name) + 0.3 * noise
            elif parameter.ndim == 1:
                value = 0.5 * noise
            elif is_table(name):
                value = 0.15 * noise
            else:
                # GPT-2 stores [inputs, outputs].
                inputs = parameter.shape[0 if family == "gpt2" and ".h." in name else -1]
                value = 1.5 * noise / inputs ** 0.5
            parameter.copy_(value)
    # With the names that files have, which may be others than the modules'.
    with tempfile.TemporaryDirectory() as directory:
        model.to(torch.bfloat16).save_pretrained(directory)
        weights = load_file(f"{directory}/model.safetensors")
    save_file(weights, f"{path_of(family)}/model.safetensors", {"format": "pt"})


def is_norm(name):
    return re.search(r"(norm|\.ln_\w+)\.weight$", name) is not None


def is_table(name):
    return re.search(r"(embed_tokens|wte|wpe|embed_in|word_embeddings)\.weight$", name) is not None


def neutral(family, name):
    """The value with which a norm's weight or a bias does nothing. Gemma scales by 1 + weight."""
    return 0.0 if name.endswith(".bias") or family.startswith("gemma") else 1.0


def load_model(family, changes=None):
    with open(f"{path_of(family)}/config.json") as file:
        settings = json.load(file)
    config = type(AutoConfig.from_pretrained(path_of(family))).from_dict({**settings, **(changes or {})})
    return AutoModelForCausalLM.from_pretrained(
        path_of(family), config=config, dtype=torch.float64, attn_implementation="eager",
        **(dict(experts_implementation="eager") if "experts" in " ".join(settings) else {})).eval()


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
    targets = FAMILIES[family].get("targets", TARGETS)
    peft = get_peft_model(model, LoraConfig(
        r=4, lora_alpha=8, target_modules=targets, task_type="CAUSAL_LM", fan_in_fan_out=family == "gpt2")).eval()
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
    config.update(target_modules=targets, base_model_name_or_path=None)
    write_json(f"{directory}/adapter_config.json", config)
    return peft


def mean_loss(model, rows):
    """The mean over all trained tokens of all rows, and how many they are."""
    total, count = 0.0, 0
    for row in rows:
        labels = torch.tensor(row["labels"][1:])
        # A dynamic rotation remembers the longest row so far until it sees a short one.
        model(input_ids=torch.tensor([row["ids"][:1]]), use_cache=False)
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
    for family in sys.argv[1:] or FAMILIES:
        shutil.rmtree(path_of(family), ignore_errors=True)
        write_golden(family)


if __name__ == "__main__":
    main()
