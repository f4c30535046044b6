#!/usr/bin/env python3
"""Compares `finetune tokenize` with Hugging Face's tokenizers on random Unicode and on files of text.

  python3 scripts/golden/compare_tokenizers.py FINETUNE MODEL [--random N] [--special] [FILE ...]

MODEL is a directory with tokenizer.json. Texts of .json and .jsonl files are their strings, of others the paragraphs.
With --special the tokens before and behind a text are compared as well. A text that begins with the first of those
before it gets none there, by decision: no text has two of them. Hugging Face's tokenizers put them there always.
Prints the texts that differ, and exits with 1 if there are any. Needs the Python package tokenizers.
"""
import argparse
import json
import random
import subprocess
import sys
from tokenizers import Tokenizer

MARKS = ["<s>", "</s>", "<unk>", "[UNK]", "<|im_end|>", "<|endoftext|>", "<start_of_turn>", "<mask>", "the", "ing", " the", "\n\n"]
BLOCKS = [(0x20, 0x7F), (0x80, 0x800), (0x300, 0x370), (0x800, 0xD800), (0xE000, 0x10000), (0x4E00, 0x9FA5), (0x10000, 0x20000), (0x20000, 0x110000)]


def random_texts(count):
    r = random.Random(1)

    def character(block):
        if block < len(BLOCKS):
            return chr(r.randrange(*BLOCKS[block]))
        return r.choice(" \n\t\u3000\u00a0\u2581") if block == len(BLOCKS) else r.choice(MARKS)

    for _ in range(count):
        own = r.randrange(len(BLOCKS) + 2)
        isMixed = r.random() < 0.5
        yield "".join(character(r.randrange(len(BLOCKS) + 2) if isMixed or r.random() < 0.2 else own) for _ in range(r.randrange(1, 40)))


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for part in value if isinstance(value, list) else value.values():
            yield from strings(part)


def file_texts(path):
    with open(path, encoding="utf-8") as file:
        if path.endswith(".json"):
            yield from strings(json.load(file))
        elif path.endswith(".jsonl"):
            for line in file:
                yield from strings(json.loads(line))
        else:
            yield from file.read().split("\n\n")


def surrounding(tokenizer):
    """The ids that a text gets before and behind it, found with one that holds no such token."""
    plain = tokenizer.encode("a", add_special_tokens=False).ids
    whole = tokenizer.encode("a", add_special_tokens=True).ids
    count = next(i for i in range(len(whole)) if whole[i:i + len(plain)] == plain)
    return whole[:count], whole[count + len(plain):]


def promised(tokenizer, text, around):
    """The ids that are promised for a text; `around` is None where it gets no tokens around it."""
    plain = tokenizer.encode(text, add_special_tokens=False).ids
    if around is None:
        return plain
    before, behind = around
    assert tokenizer.encode(text, add_special_tokens=True).ids == before + plain + behind, ascii(text)
    return ([] if before and plain[:1] == before[:1] else before) + plain + behind


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("finetune")
    parser.add_argument("model")
    parser.add_argument("files", nargs="*")
    parser.add_argument("--random", type=int, default=10000)
    parser.add_argument("--special", action="store_true")
    arguments = parser.parse_intermixed_args()
    texts = list(random_texts(arguments.random)) + [t for f in arguments.files for t in file_texts(f)]
    command = [arguments.finetune, "tokenize", "--model", arguments.model, "--lines"] + ["--special-tokens"] * arguments.special
    output = subprocess.run(command, input="".join(json.dumps(t) + "\n" for t in texts).encode(), stdout=subprocess.PIPE, check=True).stdout.decode()
    tokenizer = Tokenizer.from_file(arguments.model + "/tokenizer.json")
    around = surrounding(tokenizer) if arguments.special else None
    lines = output.split("\n")[:-1]
    assert len(lines) == len(texts), f"{len(lines)} lines for {len(texts)} texts"
    differ = 0
    for text, line in zip(texts, lines):
        expected = promised(tokenizer, text, around)
        ids = [int(i) for i in line.split()]
        if ids != expected:
            differ += 1
            if differ <= 5:
                print(ascii(text[:100]), "\n  ours", ids[:30], "\n  theirs", expected[:30])
    print(f"{arguments.model}: {len(texts)} texts, {differ} differ")
    sys.exit(differ > 0)


if __name__ == "__main__":
    main()
