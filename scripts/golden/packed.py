"""Makes Tests/Golden/packed: tiny Llama models whose linear layers are stored in whole numbers.

    gptq/      GPTQ's first format: 4 bits in groups of 16 that follow the order of activations (g_idx), and by
               `dynamic` layers in 2, 3 and 8 bits, in other groups, and one that is not quantized;
               zero points of 0, which are stored as all ones; a bias of zeros beside every layer
    gptq-v2/   the second format (zero points as they are), 3 bits, all inputs in one group, no g_idx
    awq/       AWQ in the layout "gemm", with the scales of an activation and a layer that is not converted
    awq-gemv/  the layout "gemv"
    int8/      LLM.int8(), by transformers and bitsandbytes

Each directory has values.safetensors: what the layers' weights are. For GPTQ and AWQ that is computed by torch in
float16 from the numbers before they were packed, scale · (q - z), as the kernels of those packages compute it.

Needs: torch, transformers, bitsandbytes, safetensors. Run from the root of the project.
"""

import json
import pathlib
import shutil

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, LlamaConfig

out = pathlib.Path("Tests/Golden/packed")
shutil.rmtree(out, ignore_errors=True)
random = np.random.default_rng(3)
HIDDEN, INNER = 32, 96
CONFIG = LlamaConfig(
    architectures=["LlamaForCausalLM"],
    vocab_size=40,
    hidden_size=HIDDEN,
    intermediate_size=INNER,
    num_hidden_layers=1,
    num_attention_heads=2,
    num_key_value_heads=2,
    max_position_embeddings=64,
    tie_word_embeddings=True,
    bos_token_id=1,
    eos_token_id=2,
).to_dict()
LAYER = "model.layers.0."
LINEARS = {
    "self_attn.q_proj": (HIDDEN, HIDDEN),
    "self_attn.k_proj": (HIDDEN, HIDDEN),
    "self_attn.v_proj": (HIDDEN, HIDDEN),
    "self_attn.o_proj": (HIDDEN, HIDDEN),
    "mlp.gate_proj": (INNER, HIDDEN),
    "mlp.up_proj": (INNER, HIDDEN),
    "mlp.down_proj": (HIDDEN, INNER),
}


def plain():
    """Everything that is not quantized."""
    norms = ["model.norm", LAYER + "input_layernorm", LAYER + "post_attention_layernorm"]
    tensors = {name + ".weight": torch.rand(HIDDEN).half() + 0.5 for name in norms}
    tensors["model.embed_tokens.weight"] = torch.randn(40, HIDDEN).half()
    return tensors


def words(array):
    return torch.from_numpy(np.ascontiguousarray(array).astype(np.uint32).view(np.int32))


def pack(values, bits):
    """[n, m] numbers of `bits` bits → [n · bits / 32, m] words; consecutive rows from the low bits up."""
    n, m = values.shape
    values = values.astype(np.uint64)
    if bits != 3:
        each = 32 // bits
        shifts = (np.arange(each, dtype=np.uint64) * np.uint64(bits)).reshape(1, each, 1)
        return words((values.reshape(n // each, each, m) << shifts).sum(axis=1))
    # 32 numbers fill three words; number 10 has its highest bit in the second word, number 21 two in the third.
    packed = np.zeros((n // 32, 3, m), dtype=np.uint64)
    for block in range(n // 32):
        v = values[block * 32 : block * 32 + 32]
        for i in range(10):
            packed[block, 0] |= v[i] << np.uint64(3 * i)
        packed[block, 0] |= (v[10] & np.uint64(3)) << np.uint64(30)
        packed[block, 1] |= v[10] >> np.uint64(2)
        for i in range(11, 21):
            packed[block, 1] |= v[i] << np.uint64(3 * (i - 11) + 1)
        packed[block, 1] |= (v[21] & np.uint64(1)) << np.uint64(31)
        packed[block, 2] |= v[21] >> np.uint64(1)
        for i in range(22, 32):
            packed[block, 2] |= v[i] << np.uint64(3 * (i - 22) + 2)
    return words(packed.reshape(-1, m))


def numbers(outputs, inputs, bits, groups):
    q = random.integers(0, 2**bits, (inputs, outputs))
    z = random.integers(0, 2**bits, (groups, outputs))
    z[0, :3] = [0, 1, 2**bits - 1]
    scales = torch.from_numpy(random.uniform(0.001, 0.1, (groups, outputs))).half()
    return q, z, scales


def value(q, z, scales, group_of):
    """[outputs, inputs] in float16; one rounding."""
    whole = torch.from_numpy(q - z[group_of]).to(torch.int16)
    result = scales[torch.from_numpy(group_of)] * whole
    assert result.dtype == torch.float16
    return result.T.contiguous()


def write(name, quantization, tensors, values):
    directory = out / name
    directory.mkdir(parents=True)
    config = CONFIG | {"dtype": "float16", "quantization_config": quantization}
    (directory / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    save_file(plain() | tensors, directory / "model.safetensors", metadata={"format": "pt"})
    save_file(values, directory / "values.safetensors")


def gptq(name, version, layers, quantization, sorted_groups=False, biases=False):
    tensors, values = {}, {}
    for module, (outputs, inputs) in LINEARS.items():
        bits, size = layers.get(module, layers["*"])
        module = LAYER + module
        if bits is None:
            tensors[module + ".weight"] = values[module + ".weight"] = torch.randn(outputs, inputs).half()
            continue
        size = inputs if size == -1 else size
        group_of = np.arange(inputs) // size
        if not sorted_groups:
            group_of = random.permutation(group_of)
        q, z, scales = numbers(outputs, inputs, bits, inputs // size)
        stored = z if version == 2 else (z - 1) % 2**bits
        tensors[module + ".qweight"] = pack(q, bits)
        tensors[module + ".qzeros"] = pack(stored.T, bits).T.contiguous()
        tensors[module + ".scales"] = scales
        if not sorted_groups:
            tensors[module + ".g_idx"] = torch.from_numpy(group_of).to(torch.int32)
        if biases:
            tensors[module + ".bias"] = torch.zeros(outputs).half()
        values[module + ".weight"] = value(q, z, scales, group_of)
    write(name, quantization, tensors, values)


def awq(name, version):
    tensors, values = {}, {}
    order = [0, 2, 4, 6, 1, 3, 5, 7]  # output of nibble k among eight
    for module, (outputs, inputs) in LINEARS.items():
        module = LAYER + module
        if module.endswith("o_proj"):
            tensors[module + ".weight"] = values[module + ".weight"] = torch.randn(outputs, inputs).half()
            continue
        size = 16
        groups = inputs // size
        q, z, scales = numbers(outputs, inputs, 4, groups)
        weight = value(q, z, scales, np.arange(inputs) // size)
        if version == "gemm":
            mixed = lambda x: pack(x.reshape(len(x), -1, 8)[:, :, order].reshape(len(x), -1).T, 4).T.contiguous()
            tensors[module + ".qweight"] = mixed(q)
            tensors[module + ".qzeros"] = mixed(z)
            tensors[module + ".scales"] = scales
        else:
            width = 2 * -(-groups // 8)  # more than needed, as for small groups
            tensors[module + ".qweight"] = pack(q, 4).T.contiguous()
            padded = np.zeros((width * 8, outputs), dtype=np.int64)
            padded[:groups] = z
            tensors[module + ".qzeros"] = pack(padded, 4).T.contiguous()
            all_scales = torch.zeros(outputs, width * 8, dtype=torch.float16)
            all_scales[:, :groups] = scales.T
            tensors[module + ".scales"] = all_scales
        if module.endswith("down_proj") and version == "gemm":
            divisors = torch.from_numpy(random.uniform(0.5, 2, inputs)).half()
            tensors[LAYER + "mlp.act.scales"] = divisors
            values[module + ".weight"] = weight.float() / divisors.float()
        else:
            values[module + ".weight"] = weight
    quantization = {
        "quant_method": "awq", "bits": 4, "group_size": 16, "version": version, "zero_point": True,
        "modules_to_not_convert": ["o_proj"],
    }  # fmt: skip
    write(name, quantization, tensors, values)


def int8():
    torch.manual_seed(5)
    source = out / "source"
    config = LlamaConfig(**{k: v for k, v in CONFIG.items() if k != "model_type"})
    AutoModelForCausalLM.from_config(config, dtype=torch.float16).save_pretrained(source)
    loaded = AutoModelForCausalLM.from_pretrained(
        source, dtype=torch.float16, quantization_config=BitsAndBytesConfig(load_in_8bit=True)
    )
    loaded.save_pretrained(out / "int8")
    shutil.rmtree(source)
    import bitsandbytes.functional as F

    stored = load_file(out / "int8" / "model.safetensors")
    values = {
        f"{name[:-4]}.weight": F.int8_vectorwise_dequant(stored[name[:-4] + ".weight"], stored[name])
        for name in stored
        if name.endswith(".SCB")
    }
    assert len(values) == 7
    save_file(values, out / "int8" / "values.safetensors")


torch.manual_seed(4)
gptq(
    "gptq",
    1,
    {
        "*": (4, 16), "self_attn.k_proj": (2, 16), "self_attn.v_proj": (3, 32), "mlp.up_proj": (8, 8),
        "self_attn.o_proj": (None, None), "mlp.down_proj": (3, 24),
    },  # fmt: skip
    {
        "quant_method": "gptq", "bits": 4, "group_size": 16, "desc_act": True, "sym": False,
        "checkpoint_format": "gptq",
        "dynamic": {
            "-:.*\\.o_proj": {},
            "+:.*k_proj": {"bits": 2},
            ".*\\.v_proj$": {"bits": 3, "group_size": 32},
            "+:model\\.layers\\.0\\.mlp\\.(up|gatx)": {"bits": 8, "group_size": 8},
            "+:.*down_proj": {"bits": 3, "group_size": 24},
            "+:.*mlp": {"bits": 4},
        },
    },  # fmt: skip
    biases=True,
)
gptq(
    "gptq-v2",
    2,
    {"*": (3, -1)},
    {"quant_method": "gptq", "bits": 3, "group_size": -1, "desc_act": False, "checkpoint_format": "gptq_v2"},
    sorted_groups=True,
)
awq("awq", "gemm")
awq("awq-gemv", "gemv")
int8()
