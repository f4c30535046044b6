"""Makes Tests/Golden/formats: small files by the reference writers of each format.

Needs: numpy, safetensors, gguf, h5py. Run from the root of the project.
"""

import pathlib

import gguf
import h5py
import numpy as np
from safetensors.numpy import save_file

out = pathlib.Path("Tests/Golden/formats")
out.mkdir(parents=True, exist_ok=True)

save_file(
    {
        "b.codes": np.arange(5, dtype=np.uint8),
        "a.weight": np.arange(6, dtype=np.float32).reshape(2, 3) / 4,
        "scalar": np.array(7, dtype=np.int64),
        "empty": np.zeros((0, 4), dtype=np.float16),
    },
    out / "tiny.safetensors",
    metadata={"format": "pt", "made": "by the reference"},
)

writer = gguf.GGUFWriter(out / "tiny.gguf", "llama")
writer.add_uint8("test.u8", 200)
writer.add_int8("test.i8", -100)
writer.add_uint16("test.u16", 60000)
writer.add_int16("test.i16", -30000)
writer.add_uint32("test.u32", 4_000_000_000)
writer.add_int32("test.i32", -2_000_000_000)
writer.add_uint64("test.u64", 2**63 + 1)
writer.add_int64("test.i64", -(2**62))
writer.add_float32("test.f32", 0.1)
writer.add_float64("test.f64", 0.1)
writer.add_bool("test.bool", True)
writer.add_string("test.string", "caf\u00e9 \U0001f600")
writer.add_array("test.strings", ["a", "", "\u00e9", "e\u0301"])
writer.add_array("test.integers", [1, -2, 3])
writer.add_array("test.numbers", [0.5, -1.5])
writer.add_array("test.bools", [True, False, True])
writer.add_array("test.nested", [[1, 2], [3]])
writer.add_tensor("f32", np.arange(6, dtype=np.float32).reshape(2, 3))
writer.add_tensor("f16", np.arange(4, dtype=np.float16))
rows = np.linspace(-1, 1, 2 * 64, dtype=np.float32).reshape(2, 64)
for name, kind in [
    ("q8_0", gguf.GGMLQuantizationType.Q8_0),
    ("q4_1", gguf.GGMLQuantizationType.Q4_1),
]:
    writer.add_tensor(name, gguf.quants.quantize(rows, kind), raw_dtype=kind)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()

with h5py.File(out / "h5py.h5", "w") as file:
    file["moments/first"] = np.arange(6, dtype=np.float32).reshape(2, 3)
    file["moments/double"] = np.array([0.1, 0.2])
    file["ids"] = np.array([1, -2, 3], dtype=np.int32)
    file["offsets"] = np.array([2**40], dtype=np.int64)
    file["bytes"] = np.arange(4, dtype=np.uint8)
    file["text"] = "caf\u00e9"
    file["lines"] = ["one", "", "\u4e09"]
    file["packed"] = np.zeros(8, dtype=np.float16)
    file.create_dataset("compressed", data=np.zeros(100000, np.float32), compression="gzip")
    file.attrs["step"] = 50
    file.attrs["rate"] = 0.5
    file["ids"].attrs["kind"] = "tokens"
