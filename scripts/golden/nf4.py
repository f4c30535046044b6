"""Makes Tests/Golden/nf4: what bitsandbytes' NF4 gives on a CPU, for small and awkward weights.

    python scripts/golden/nf4.py        needs torch, numpy, bitsandbytes (made with 0.50.2)

cases.txt lists "name outputs inputs type". NAME.bin holds, little-endian and without gaps:
    the weight (float32, or the bits of bfloat16/float16)
    codes, absmax                       of plain quantization
    the dequantized weight, in its type
    absmax codes, absmax2, offset       of double quantization
    the dequantized weight, in its type
map.bin is the map of 256 values of the absmax codes.
absmax.txt is about double quantization alone: for n absmax values drawn from SplitMix64(n),
    n, the bits of the offset, and FNV-1a hashes of the bytes of absmax codes and absmax2.
"""

from pathlib import Path

import bitsandbytes.functional as F
import numpy as np
import torch

# The last bit of a mean of 32768 and more numbers depends on the number of threads.
torch.set_num_threads(1)
DIRECTORY = Path(__file__).resolve().parents[2] / "Tests/Golden/nf4"
NF4 = F.get_4bit_type("nf4", device="cpu").numpy()


def border_values():
    """Blocks that start with 1, then the borders between codes and their neighbours."""
    borders = ((NF4[:-1] + NF4[1:]) / 2).astype(np.float32)
    below = np.nextafter(borders, np.float32(-2))
    above = np.nextafter(borders, np.float32(2))
    values = np.concatenate([borders, below, above, NF4[1:15]])
    return np.concatenate([[np.float32(1)], values, np.zeros(64 - 1 - len(values), np.float32)])


def cases():
    random = np.random.default_rng(2305)
    normal = lambda *shape: random.standard_normal(shape).astype(np.float32)
    yield "normal", normal(48, 64) * np.float32(0.05), torch.float32
    yield "ragged", normal(7, 65), torch.float32  # blocks cross rows, 455 elements
    yield "one", np.array([[-0.3]], np.float32), torch.float32
    yield "short", normal(1, 63), torch.float32
    yield "zeros", np.zeros((4, 64), np.float32), torch.float32
    yield "short-zeros", np.zeros((1, 5), np.float32), torch.float32
    yield "huge", (random.uniform(-3.4e38, 3.4e38, (8, 64))).astype(np.float32), torch.float32
    yield "subnormal", normal(8, 64) * np.float32(3e-39), torch.float32
    yield "subnormal-ragged", normal(3, 30) * np.float32(3e-39), torch.float32
    yield "borders", np.stack([border_values(), -border_values(), 3 * border_values()]), torch.float32
    yield "equal-blocks", np.tile(normal(1, 64), (6, 1)), torch.float32
    yield "bfloat16", normal(20, 72) * np.float32(0.1), torch.bfloat16
    yield "bfloat16-many", normal(300, 64) * np.exp(normal(300, 1)), torch.bfloat16
    yield "float16", normal(12, 66), torch.float16


def little_endian(tensor):
    tensor = tensor.contiguous()
    if tensor.dtype in (torch.bfloat16, torch.float16):
        tensor = tensor.view(torch.int16)
    return tensor.numpy().tobytes()


def write_case(name, values, dtype, listing):
    weight = torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(dtype)
    parts = [little_endian(weight)]
    for nested in (False, True):
        codes, state = F.quantize_4bit(
            weight, blocksize=64, quant_type="nf4", compress_statistics=nested)
        if nested:
            parts += [little_endian(state.absmax), little_endian(state.state2.absmax)]
            parts += [little_endian(state.offset.reshape(1))]
        else:
            parts += [little_endian(codes), little_endian(state.absmax)]
        parts += [little_endian(F.dequantize_4bit(codes, state).reshape(weight.shape))]
    (DIRECTORY / f"{name}.bin").write_bytes(b"".join(parts))
    rows, columns = weight.shape
    listing.write(f"{name} {rows} {columns} {str(dtype).removeprefix('torch.')}\n")


def split_mix(seed, count):
    """Uniform in [0, 1), multiples of 2^-24."""
    mask = (1 << 64) - 1
    values = []
    for _ in range(count):
        seed = (seed + 0x9E3779B97F4A7C15) & mask
        z = ((seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        values.append(((z ^ (z >> 31)) >> 40) * 2.0**-24)
    return np.array(values, np.float32)


def fnv(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) % (1 << 64)
    return value


def write_absmax():
    counts = [*range(1, 70), 127, 128, 255, 256, 257, 511, 512, 513, 1000, 1728, 2047, 2048, 2049]
    counts += [4095, 4608, 5184, 8191, 8192, 10000, 13824, 20000, 32767, 40000]
    with open(DIRECTORY / "absmax.txt", "w") as file:
        for count in counts:
            absmax = torch.from_numpy(split_mix(count, count))
            offset = absmax.mean()
            codes, state = F.quantize_blockwise(absmax - offset, blocksize=256)
            bits = offset.reshape(1).view(torch.int32).item()
            hashes = fnv(little_endian(codes)), fnv(little_endian(state.absmax))
            file.write(f"{count} {bits:08x} {hashes[0]:016x} {hashes[1]:016x}\n")


DIRECTORY.mkdir(parents=True, exist_ok=True)
with open(DIRECTORY / "cases.txt", "w") as listing:
    for name, values, dtype in cases():
        write_case(name, values, dtype, listing)
(DIRECTORY / "map.bin").write_bytes(little_endian(F.create_dynamic_map()))
write_absmax()
