#!/usr/bin/env python3
"""Makes Tests/Golden/tokenizer: small byte-level BPE tokenizers in the manner of four model families, and the
ids and offsets that Hugging Face's tokenizers gives for texts that are easy to get wrong.

Needs the Python package tokenizers. Run from the repository root:  python3 scripts/golden/tokenizer.py
"""
import json
import os
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

OUT = "Tests/Golden/tokenizer"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
BYTES = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
FAMILIES = {
    "gpt2": (None, pre_tokenizers.ByteLevel(add_prefix_space=False), {}),
    "smollm": (None, pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                              pre_tokenizers.ByteLevel(add_prefix_space=False)]), {}),
    "llama3": (None, pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3), "isolated"), BYTES]),
               dict(ignore_merges=True)),
    "qwen2": (normalizers.NFC(), pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(QWEN2), "isolated"), BYTES]), {}),
}
TEXTS = [
    "", " ", "The ferry isn't late; it's 1234567 minutes EARLY!", "  two  spaces\tand tabs \n\n new lines\r\n",
    "we'll we'LL they've I'm you'd", "e\u0301 and \u00e9 are not the same bytes", "渡船在雾中过湖。十二个人。",
    "👩‍👩‍👧 family, 🇨🇭 flag, ☕️ cup", "عربي ١٢٣ हिन्दी ไทย", "<|im_start|>user\nHi<|im_end|>\n", "a<|im_end|>b <|im_end|> c",
    "nul\x00byte and \u200b zero width", "fn main() { let x = vec![1, 22, 333]; }", "x" * 300, "ab" * 200 + " " * 50,
    "ﬁne ½ ² № ǅ İ ß ẞ", "trailing space ", "\u3000wide\u00a0space", "'s 's'S", "9" * 25, "   ", "\n", "mixed日本語and英語123",
]


def main():
    os.makedirs(OUT, exist_ok=True)
    rows = json.load(open("Data/ferry-alpaca.json"))
    corpus = [r["instruction"] + " " + r["output"] for r in rows] + TEXTS
    golden = {}
    for name, (normalizer, pre_tokenizer, options) in FAMILIES.items():
        tokenizer = Tokenizer(models.BPE(**options))
        if normalizer:
            tokenizer.normalizer = normalizer
        tokenizer.pre_tokenizer = pre_tokenizer
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(vocab_size=480, special_tokens=["<|im_start|>", "<|im_end|>"], show_progress=False,
                                      initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
        tokenizer.train_from_iterator(corpus, trainer)
        tokenizer.add_tokens([AddedToken("Brume", normalized=True), AddedToken("tug line", lstrip=True)])
        os.makedirs(f"{OUT}/{name}", exist_ok=True)
        tokenizer.save(f"{OUT}/{name}/tokenizer.json", pretty=False)
        golden[name] = [tokenizer.encode(t, add_special_tokens=False).ids for t in TEXTS]
    json.dump(dict(texts=TEXTS, ids=golden), open(f"{OUT}/expected.json", "w"))


if __name__ == "__main__":
    main()
