"""Makes Sources/CKernels/quantized/ggml_grids.c: the code books of GGML's IQ types, as the gguf package has them.

Each entry is a number of 16 bits: eight codes of 2 bits (IQ1, IQ2) or four of 3 bits in a nibble each (IQ3), the
first element in the lowest bits.

Needs: gguf. Run from the root of the project.
"""

import pathlib

import gguf.quants as quants

BOOKS = {
    "iq2_xxs": quants.IQ2_XXS,
    "iq2_xs": quants.IQ2_XS,
    "iq2_s": quants.IQ2_S,
    "iq3_xxs": quants.IQ3_XXS,
    "iq3_s": quants.IQ3_S,
    "iq1": quants.IQ1_S,
}


def entries(book):
    data = bytes.fromhex(book.grid_hex.decode())
    assert len(data) == 2 * book.grid_shape[0]
    return [data[i] | data[i + 1] << 8 for i in range(0, len(data), 2)]


text = "/* Made by scripts/ggml_grids.py. */\n#include \"quantized/ggml_grids.h\"\n"
for name, book in BOOKS.items():
    numbers = [f"0x{entry:04x}," for entry in entries(book)]
    text += f"\nconst uint16_t ggml_{name}_grid[{len(numbers)}] = {{\n"
    for i in range(0, len(numbers), 14):
        text += "    " + " ".join(numbers[i : i + 14]) + "\n"
    text += "};\n"
pathlib.Path("Sources/CKernels/quantized/ggml_grids.c").write_text(text)
