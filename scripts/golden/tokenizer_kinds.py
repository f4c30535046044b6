#!/usr/bin/env python3
"""Makes Tests/Golden/tokenizer/kinds: one small tokenizer of each kind (byte-level, SentencePiece BPE, Unigram,
WordPiece, in the dialects of a dozen families) with the ids and texts that Hugging Face's tokenizers gives, and what
single normalizers, pre-tokenizers and decoders do.

The argument is a folder with one trained tokenizer in each subfolder (tokenizer.json, tokenizer_config.json, perhaps
tokenizer.model). Needs the Python package tokenizers. Run from the repository root:
  python3 scripts/golden/tokenizer_kinds.py TOKENIZERS
"""
import json
import os
import random
import shutil
import sys
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

OUT = "Tests/Golden/tokenizer/kinds"
TEXTS = [
    "", " ", "  ", "\n", " a", "a ", "  two  spaces  ", "\u3000wide\u00a0space", "e\u0301 and \u00e9", "ｶﾞ％\u0301 ậ",
    "👩‍👩‍👧 🇨🇭 ☕️", "\r\n\r\n", "<s> a </s>b", "a<unk>b", "<0x0A><0x41>", "\u2581\u2581x \u2581 y", "don't do not . , ! ?", "x" * 200,
    "渡船在雾中过湖。十二个人。" * 8, "ﬁ ½ ² № ǅ İ ß ẞ", "a\u0300\u0323b", "नमस्ते क्षि", "\ufeffbom\u200b", "\x00\x01\x7f", "<|user|>\n Hi<|end|> there",
    "<start_of_turn>user\n\nHi<end_of_turn>", "[CLS] the [MASK] [SEP]", "1234567 a1b2", "The ferry isn't late; it's EARLY!", "fn main() { let x = vec![1, 22]; }",
]
NORMALIZERS = [
    {"type": "NFC"}, {"type": "NFD"}, {"type": "NFKC"}, {"type": "NFKD"}, {"type": "Lowercase"}, {"type": "StripAccents"}, {"type": "Nmt"},
    {"type": "Strip", "strip_left": True, "strip_right": False}, {"type": "Prepend", "prepend": "▁"}, {"type": "ByteLevel"},
    {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"}, {"type": "Replace", "pattern": {"String": "aa"}, "content": "b"},
    {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
    {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"}]},
]
PRE_TOKENIZERS = [
    {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}, {"type": "Whitespace"}, {"type": "WhitespaceSplit"}, {"type": "BertPreTokenizer"},
    {"type": "Digits", "individual_digits": True}, {"type": "Digits", "individual_digits": False}, {"type": "CharDelimiterSplit", "delimiter": "a"},
    {"type": "FixedLength", "length": 3}, {"type": "UnicodeScripts"},
    *({"type": "Metaspace", "replacement": "▁", "prepend_scheme": s, "split": b} for s in ("always", "first", "never") for b in (True, False)),
    *({"type": "Punctuation", "behavior": b} for b in ("Removed", "Isolated", "Contiguous", "MergedWithPrevious", "MergedWithNext")),
    *({"type": "Split", "pattern": {"String": " "}, "behavior": b, "invert": i} for b in ("Removed", "MergedWithPrevious", "MergedWithNext") for i in (False, True)),
    {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True}]},
]
DECODERS = [
    {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": "a", "start": 2, "stop": 0}, {"type": "Strip", "content": "a", "start": 0, "stop": 1},
    {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": True},
    {"type": "WordPiece", "prefix": "##", "cleanup": True}, {"type": "BPEDecoder", "suffix": "</w>"}, {"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": True},
    {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
]
TOKEN_LISTS = [["▁the", "▁fer", "ry", "."], ["the", "##re", ".", "do", "n't", "ab", "'s"], ["<0xE6>", "<0x97>", "<0xA5>", "ax", "<0xFF>", "<0x41>"], ["th", "e</w>", "x</w>"],
               ["<pad>", "ax", "ax", "<pad>", "a b", "|", "b"], ["aaa", "baaa", "ba"], ["Ġthe", "ÃĹ", "é", "日"]]


def texts():
    r = random.Random(12)
    pools = [(0x20, 0x7F), (0xA0, 0x250), (0x300, 0x370), (0x400, 0x600), (0x900, 0xE00), (0x1100, 0x1200), (0x2000, 0x2C00), (0x3040, 0x9FA5), (0xAC00, 0xD7A4), (0xFE00, 0xFFF0),
             (0x10000, 0x1F000), (0x1F300, 0x1FB00)]
    out = list(TEXTS)
    for _ in range(40):
        own = r.choice(pools)
        out.append("".join(chr(r.randrange(*r.choice([own, own, (0x20, 0x7F), r.choice(pools)]))) for _ in range(r.randrange(1, 25))))
    return out


def checksum(ids):
    total = 0
    for i in ids:
        total = (total * 31 + i + 1) % 2147483647
    return total


def parts(json_part, field):
    """A step alone, in a tokenizer around it."""
    model = {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"}
    whole = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None, "model": model}
    return getattr(Tokenizer.from_str(json.dumps({**whole, field: json_part})), field)


def main():
    source = sys.argv[1]
    all_texts = texts()
    long_text = " ".join(TEXTS) * 150
    golden = {"texts": all_texts, "tokenizers": {}, "steps": [], "decoders": []}
    for name in sorted(os.listdir(source)):
        os.makedirs(f"{OUT}/{name}", exist_ok=True)
        definition = json.load(open(f"{source}/{name}/tokenizer.json"))
        json.dump(definition, open(f"{OUT}/{name}/tokenizer.json", "w"), ensure_ascii=False, separators=(",", ":"))
        shutil.copy(f"{source}/{name}/tokenizer_config.json", f"{OUT}/{name}/tokenizer_config.json")
        t = Tokenizer.from_file(f"{source}/{name}/tokenizer.json")
        ids = [t.encode(x, add_special_tokens=False).ids for x in all_texts]
        long_ids = t.encode(long_text, add_special_tokens=False).ids
        golden["tokenizers"][name] = {"ids": ids, "decoded": [t.decode(i, skip_special_tokens=False) for i in ids], "special": t.encode("the", add_special_tokens=True).ids,
                                      "long": [len(long_ids), checksum(long_ids)]}
    # SentencePiece's own file, where no tokenizer.json is; the ids are those of the converted one.
    os.makedirs(f"{OUT}/../sentencepiece", exist_ok=True)
    shutil.copy(f"{source}/spm-bpe-llama/tokenizer.model", f"{OUT}/../sentencepiece/tokenizer.model")
    for field, steps in (("normalizer", NORMALIZERS), ("pre_tokenizer", PRE_TOKENIZERS)):
        for step in steps:
            part = parts(step, field)
            run = part.normalize_str if field == "normalizer" else lambda x: [p for p, _ in part.pre_tokenize_str(x)]
            golden["steps"].append({field: step, "results": [run(x) for x in all_texts]})
    for step in DECODERS:
        part = parts(step, "decoder")
        golden["decoders"].append({"decoder": step, "results": [part.decode(x) for x in TOKEN_LISTS]})
    golden["tokens"] = TOKEN_LISTS
    json.dump(golden, open(f"{OUT}/expected.json", "w"), ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    main()
