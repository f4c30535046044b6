"""Makes Tests/Golden/quantizers/blocks.safetensors: what the reference quantizers make of the same numbers.

    values         float32 [20, 512], rows of different kinds (see rows())
    TYPE.blocks    uint8 [20, bytes]; Q8_0 to Q5_1, F16 and BF16 by gguf.quants, the K types by ggml's own C code

Needs: numpy, gguf, safetensors, a C compiler, and the source of ggml, which the sdist of llama-cpp-python 0.3.36
vendors. Run from the root of the project:

    pip download --no-deps --no-binary :all: llama-cpp-python==0.3.36 && tar xf llama_cpp_python-0.3.36.tar.gz
    python scripts/golden/quantizers.py llama_cpp_python-0.3.36/vendor/llama.cpp/ggml
"""

import ctypes
import os
import pathlib
import subprocess
import sys
import tempfile

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type
from safetensors.numpy import save_file

COLUMNS = 512
SIMPLE = [Type.F16, Type.BF16, Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q8_0]
K_TYPES = [Type.Q4_K, Type.Q5_K, Type.Q6_K]


def rows():
    """Weights as they are, and what a quantizer could stumble over."""
    random = np.random.default_rng(12)

    def normal(scale=0.05):
        return random.standard_normal(COLUMNS) * scale

    tiny_groups = normal()  # groups whose scale rounds to nothing beside the others'
    tiny_groups[32:96] *= 1e-4
    tiny_groups[300:320] *= 1e-6
    outlier = normal(0.02)
    outlier[[5, 77, 300]] = [3.0, -8.0, 1.5]
    sparse = np.where(random.random(COLUMNS) < 0.9, 0.0, normal())
    zeros = np.zeros(COLUMNS)
    half_zero = normal()
    half_zero[:256] = 0
    constant = np.full(COLUMNS, 0.37)
    constant[256:] = -0.37
    two = np.where(random.random(COLUMNS) < 0.5, 0.25, -0.25)  # equal magnitudes of both signs
    steps = np.linspace(-1, 1, COLUMNS)  # many exact halves between codes
    whole = random.integers(-127, 128, COLUMNS).astype(float)
    halves = random.integers(-254, 255, COLUMNS) / 2
    halves[::32] = 127
    small = normal(1e-8)  # float16 has subnormal numbers there
    least = normal(1e-13)
    nothing = normal(1e-17)
    laplace = random.laplace(size=COLUMNS) * 0.03
    student = random.standard_t(3, COLUMNS) * 0.02
    positive = np.abs(normal()) + 0.01
    return np.stack([
        normal(), normal(0.3), normal(2e-3), laplace, student, positive, -positive, tiny_groups, outlier, sparse,
        zeros, half_zero, constant, two, steps, whole, halves, small, least, nothing,
    ]).astype(np.float32)  # fmt: skip


def library(ggml, folder):
    """ggml-quants.c alone, without fused operations: what it is compiled with elsewhere must not matter."""
    path = pathlib.Path(folder) / "quants.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-O2", "-ffp-contract=off", "-w", f"-I{ggml}/include", f"-I{ggml}/src",
         f"{ggml}/src/ggml-quants.c", "-lm", "-o", path],
        check=True,
    )  # fmt: skip
    return ctypes.CDLL(path, mode=os.RTLD_LAZY)


def k_blocks(ggml, values, kind):
    size = gguf.GGML_QUANT_SIZES[kind][1]
    out = np.zeros((len(values), COLUMNS // 256 * size), dtype=np.uint8)
    quantize = getattr(ggml, f"quantize_row_{kind.name.lower().replace('_k', '_K')}_ref")
    quantize(
        values.ctypes.data_as(ctypes.c_void_p),
        out.ctypes.data_as(ctypes.c_void_p),
        ctypes.c_int64(values.size),
    )
    return out


values = rows()
tensors = {"values": values}
with np.errstate(over="ignore"):
    for kind in SIMPLE:
        tensors[f"{kind.name}.blocks"] = gguf.quants.quantize(values, kind).view(np.uint8).reshape(len(values), -1)
with tempfile.TemporaryDirectory() as folder:
    ggml = library(sys.argv[1], folder)
    for kind in K_TYPES:
        tensors[f"{kind.name}.blocks"] = k_blocks(ggml, values, kind)
out = pathlib.Path("Tests/Golden/quantizers")
out.mkdir(parents=True, exist_ok=True)
save_file(tensors, out / "blocks.safetensors")
