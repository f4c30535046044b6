"""Makes Tests/Golden/weights: one tiny Llama model in the forms that it can be stored in.

    bf16/      a Hugging Face directory
    shards/    the same in several files, with an index that is partly wrong
    nf4/       the same, quantized by transformers + bitsandbytes
    nf4-double/                                  ... with double quantization
    tiny.gguf  the same as GGUF, a block type for each kind of layer; tiny-gguf.safetensors holds
               what the gguf package decodes from its first layer, in Hugging Face's names and row order
    blocks.safetensors   random blocks of each GGML type and what the gguf package decodes

Needs: torch, transformers, bitsandbytes, gguf, safetensors. Run from the root of the project.
"""

import json
import pathlib
import shutil

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from safetensors.numpy import save_file as save_numpy
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, LlamaConfig

out = pathlib.Path("Tests/Golden/weights")
shutil.rmtree(out, ignore_errors=True)
out.mkdir(parents=True)

# Rows of down_proj have 100 elements: NF4's blocks of 64 cross their ends. (Not 96: bitsandbytes
# 0.50.2 dequantizes rows of 64 n + 32 elements wrongly on CPUs with AVX-512.)
config = LlamaConfig(
    vocab_size=40,
    hidden_size=64,
    intermediate_size=100,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=1,
    max_position_embeddings=131072,
    rms_norm_eps=1e-5,
    tie_word_embeddings=False,
    bos_token_id=1,
    eos_token_id=2,
    rope_parameters={
        "rope_type": "llama3",
        "rope_theta": 500000.0,
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    },
)
torch.manual_seed(7)
model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
with torch.no_grad():
    for name, parameter in model.named_parameters():
        if name.endswith("norm.weight"):
            parameter += torch.randn_like(parameter) * 0.1
model.generation_config.eos_token_id = [2, 3]
model.save_pretrained(out / "bf16")


def shards():
    directory = out / "shards"
    model.save_pretrained(directory, max_shard_size="56KB")
    path = directory / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    names = list(index["weight_map"])
    index["weight_map"][names[0]] = index["weight_map"][names[-1]]  # the wrong shard
    index["weight_map"][names[1]] = [index["weight_map"][names[1]]]  # a list
    index["weight_map"]["model.layers.9.nothing"] = index["weight_map"][names[2]]
    path.write_text(json.dumps(index, indent=2))


def quantized(name, double):
    quantization = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=double,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    loaded = AutoModelForCausalLM.from_pretrained(
        out / "bf16", dtype=torch.bfloat16, quantization_config=quantization
    )
    loaded.save_pretrained(out / name)
    if not double:
        return
    values = {}
    for module, layer in loaded.named_modules():
        if hasattr(layer.weight if hasattr(layer, "weight") else None, "quant_state"):
            import bitsandbytes.functional as F

            values[module + ".weight"] = F.dequantize_4bit(
                layer.weight.data, layer.weight.quant_state
            ).contiguous()
    save_file(values, out / f"{name}-values.safetensors")


NAMES = {
    "input_layernorm": ("attn_norm", Type.F32),
    "self_attn.q_proj": ("attn_q", Type.Q8_0),
    "self_attn.k_proj": ("attn_k", Type.Q4_1),
    "self_attn.v_proj": ("attn_v", Type.Q5_0),
    "self_attn.o_proj": ("attn_output", Type.Q5_1),
    "post_attention_layernorm": ("ffn_norm", Type.F32),
    "mlp.gate_proj": ("ffn_gate", Type.Q4_0),
    "mlp.up_proj": ("ffn_up", Type.F16),
    "mlp.down_proj": ("ffn_down", Type.BF16),
}


def permute(rows, heads):
    shape = rows.shape
    return rows.reshape(heads, 2, shape[0] // heads // 2, *shape[1:]).swapaxes(1, 2).reshape(shape)


def unpermute(rows, heads):
    shape = rows.shape
    return rows.reshape(heads, shape[0] // heads // 2, 2, *shape[1:]).swapaxes(1, 2).reshape(shape)


def as_gguf():
    writer = gguf.GGUFWriter(out / "tiny.gguf", "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(500000.0)
    writer.add_rope_dimension_count(16)
    writer.add_vocab_size(config.vocab_size)
    tokens()(writer)

    expected = {}

    def add(name, hf_name, values, kind, heads=None):
        stored = permute(values, heads) if heads else values
        raw = gguf.quants.quantize(stored, kind)
        writer.add_tensor(name, raw, raw_dtype=kind)
        decoded = gguf.quants.dequantize(raw, kind).reshape(values.shape).astype(np.float32)
        if ".layers.1." in hf_name:
            return  # to keep the file small
        expected[hf_name] = np.ascontiguousarray(unpermute(decoded, heads) if heads else decoded)

    state = {name: tensor.float().numpy() for name, tensor in model.state_dict().items()}
    add("token_embd.weight", "model.embed_tokens.weight", state["model.embed_tokens.weight"], Type.Q8_0)
    for layer in range(config.num_hidden_layers):
        for hf, (name, kind) in NAMES.items():
            full = f"model.layers.{layer}.{hf}.weight"
            heads = {"self_attn.q_proj": 4, "self_attn.k_proj": 1}.get(hf)
            add(f"blk.{layer}.{name}.weight", full, state[full], kind, heads)
    add("output_norm.weight", "model.norm.weight", state["model.norm.weight"], Type.F32)
    add("output.weight", "lm_head.weight", state["lm_head.weight"], Type.F32)
    inverse = torch.tensor(500000.0) ** (-torch.arange(0, 16, 2) / 16)
    wavelength = 2 * np.pi / inverse.numpy()
    smooth = (8192 / wavelength - 1) / 3
    divisors = 1 / ((1 - smooth) / 8 + smooth)
    divisors = np.where(wavelength < 8192 / 4, 1.0, np.where(wavelength > 8192, 8.0, divisors))
    writer.add_tensor("rope_freqs.weight", divisors.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_numpy(expected, out / "tiny-gguf.safetensors")


def tokens():
    """A byte-level vocabulary of 40 tokens: three special ones, characters and two merges."""
    characters = list("abcdefghijklmnopqrstuvwxyz0123456789")[:32]
    words = ["<|end|>", "<|im_start|>", "<|im_end|>", *characters, "\u0120", "th", "the", "\u010a", "\u0120the"]
    merges = ["t h", "th e", "\u0120 the"]

    def add(writer):
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre("smollm")
        writer.add_token_list(words)
        writer.add_token_types([3, 3, 3] + [1] * 37)
        writer.add_token_merges(merges)
        writer.add_bos_token_id(1)
        writer.add_eos_token_id(2)
        writer.add_pad_token_id(0)
        writer.add_add_bos_token(False)
        writer.add_chat_template("{% for m in messages %}{{ m['content'] }}{% endfor %}")

    assert len(words) == 40
    return add


def blocks():
    random = np.random.default_rng(11)
    tensors = {}
    for kind in [
        Type.F32, Type.F16, Type.BF16, Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q8_0,
        Type.Q2_K, Type.Q3_K, Type.Q4_K, Type.Q5_K, Type.Q6_K,
        Type.IQ4_NL, Type.IQ4_XS, Type.MXFP4, Type.TQ1_0, Type.TQ2_0, Type.IQ2_XXS, Type.IQ2_XS,
        Type.IQ2_S, Type.IQ3_XXS, Type.IQ3_S, Type.IQ1_S, Type.IQ1_M,
    ]:  # fmt: skip
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        count = 2 * 512 // elements
        raw = random.integers(0, 256, (count, size), dtype=np.uint8)
        if kind in (Type.F32, Type.F16, Type.BF16):
            values = random.standard_normal((2, 512)).astype(np.float32)
            raw = gguf.quants.quantize(values, kind).view(np.uint8).reshape(2, -1)
        else:
            # The float16 scales must be numbers: keep their exponents small.
            for place in SCALES[kind]:
                raw[:, place + 1] &= 0b10111111
            if kind == Type.MXFP4:
                raw[:, 0] = random.permutation(np.arange(count) * 9 % 240)  # no infinities
        raw = raw.reshape(2, -1)
        stored = raw.view({Type.F32: np.float32, Type.F16: np.float16}.get(kind, np.uint8))
        decoded = gguf.quants.dequantize(stored, kind).reshape(2, 512).astype(np.float32)
        tensors[f"{kind.name}.blocks"] = raw
        tensors[f"{kind.name}.values"] = decoded
    save_numpy(tensors, out / "blocks.safetensors")


# Byte offsets of the float16 scales in a block.
SCALES = {
    Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2], Type.Q8_0: [0],
    Type.Q2_K: [80, 82], Type.Q3_K: [108], Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208],
    Type.IQ4_NL: [0], Type.IQ4_XS: [0], Type.MXFP4: [], Type.TQ1_0: [52], Type.TQ2_0: [64],
    Type.IQ2_XXS: [0], Type.IQ2_XS: [0], Type.IQ2_S: [0], Type.IQ3_XXS: [0], Type.IQ3_S: [0],
    Type.IQ1_S: [0], Type.IQ1_M: [54],  # the highest bits of IQ1_M's scale stand in its last byte
}  # fmt: skip

shards()
quantized("nf4", False)
quantized("nf4-double", True)
as_gguf()
blocks()
