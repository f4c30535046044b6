"""Makes Tests/Golden/weights/split: the model of Tests/Golden/weights/tiny.gguf in parts, by the gguf package.

Needs: gguf. Run from the root of the project.
"""

import pathlib
import shutil

from gguf import GGUFReader, GGUFValueType, GGUFWriter

out = pathlib.Path("Tests/Golden/weights/split")
shutil.rmtree(out, ignore_errors=True)
out.mkdir()

reader = GGUFReader("Tests/Golden/weights/tiny.gguf")
writer = GGUFWriter(out / "tiny.gguf", "llama", split_max_tensors=8)
for key, field in reader.fields.items():
    if key == "general.architecture" or key.startswith("GGUF."):
        continue
    kind = field.types[0]
    inner = field.types[-1] if kind == GGUFValueType.ARRAY else None
    writer.add_key_value(key, field.contents(), kind, sub_type=inner)
for tensor in reader.tensors:
    writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
