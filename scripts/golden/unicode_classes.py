#!/usr/bin/env python3
"""Makes Sources/Text/Tokenizer/UnicodeTables.swift: classes of characters as Hugging Face's tokenizers sees them.

That library carries Unicode's data several times, in versions from 8 to 17, and ids depend on them. Every code point
is tried. Needs the Python package tokenizers (0.23.3). Run from the repository root:
  python3 scripts/golden/unicode_classes.py
"""
import unicodedata
from tokenizers import Regex, normalizers, pre_tokenizers

POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
BERT = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
# Two-letter categories, and scripts that word patterns name.
CATEGORIES = ["Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po",
              "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf"]
SCRIPTS = ["Han", "Hiragana", "Katakana", "Hangul", "Latin"]


def dropped_by(normalizer):
    return [c for c in POINTS if normalizer.normalize_str(chr(c)) == ""]


def matched_by(pre_tokenizer, before=""):
    pieces = 2 if before else 0
    return [c for c in POINTS if len(pre_tokenizer.pre_tokenize_str(before + chr(c))) == pieces]


def regex(pattern, points):
    split = pre_tokenizers.Split(Regex(pattern), "removed")
    return [c for c in points if not split.pre_tokenize_str(chr(c))]


def ranges(points):
    runs = []
    for c in points:
        if runs and runs[-1][1] == c - 1:
            runs[-1][1] = c
        else:
            runs.append([c, c])
    return " ".join(f"{a:X}" if a == b else f"{a:X}-{b:X}" for a, b in runs)


def literal(text):
    lines, line = [], ""
    for word in text.split():
        if len(line) + len(word) > 88:
            lines.append(line)
            line = ""
        line += word + " "
    lines.append(line.rstrip())
    return '"""\n' + "\n".join("    " + (l.rstrip() + (" \\" if i < len(lines) - 1 else "")) for i, l in enumerate(lines)) + '\n    """'


def main():
    # What Unicode has added since version 14, the oldest data of PCRE2 that is still in use.
    new = [c for c in regex(r"[^\p{Cn}\p{Co}]", POINTS) if unicodedata.category(chr(c)) == "Cn"]
    assert unicodedata.unidata_version == "14.0.0", "the additions are counted from Unicode 14: run with Python 3.11"
    tables = [
        ("bertControls", "Characters that BERT's normalizer drops.", dropped_by(normalizers.BertNormalizer(**{**BERT, "clean_text": True}))),
        ("nonspacingMarks", "Marks that BERT's normalizer drops as accents.", dropped_by(normalizers.BertNormalizer(**{**BERT, "strip_accents": True}))),
        ("marks", "Marks that the normalizer StripAccents drops.", dropped_by(normalizers.StripAccents())),
        ("punctuation", "Punctuation for the pre-tokenizers Punctuation and BertPreTokenizer.", matched_by(pre_tokenizers.Punctuation("removed"))),
        ("numbers", "Digits and other numbers for the pre-tokenizer Digits.", matched_by(pre_tokenizers.Digits(True), "a")),
    ]
    scripts = pre_tokenizers.UnicodeScripts()
    tables.append(("scriptless", "Characters without a script for the pre-tokenizer UnicodeScripts.",
                   [c for c in POINTS if all(len(scripts.pre_tokenize_str(a + chr(c))) == 1 for a in "a\u05d0")]))
    additions = [(n, regex(rf"\p{{{n}}}", new)) for n in CATEGORIES + SCRIPTS]
    out = ["/// Classes of characters as Hugging Face's tokenizers see them, as ranges of code points.",
           "/// Made by scripts/golden/unicode_classes.py.", "enum UnicodeTables {"]
    for name, comment, points in tables:
        out += [f"  /// {comment}", f"  static let {name} = UnicodeRanges(", f"    {literal(ranges(points))})", ""]
    out += ["  /// What has been added to categories and scripts since Unicode 14.", "  static let additions: [String: UnicodeRanges] = ["]
    out += [f'    "{n}": UnicodeRanges(\n    {literal(ranges(p))}),' for n, p in additions if p]
    out += ["  ]", "}", ""]
    open("Sources/Text/Tokenizer/UnicodeTables.swift", "w").write("\n".join(out))


if __name__ == "__main__":
    main()
