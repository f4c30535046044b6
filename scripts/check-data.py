#!/usr/bin/env python3
"""Check the sample set in Data/: shape, style, duplicates, overlap, and token lengths.

    python3 scripts/check-data.py [DIRECTORY WITH tokenizer.json AND chat_template.jinja]

Without a directory everything but the token lengths is checked with Python's standard library
alone. With one, the packages `tokenizers` and `jinja2` are needed. Ends with status 1 and one
line for each fault if there is any.
"""

import json
import re
import sys
from itertools import combinations
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "Data"
KNOTS = ["Knot one: fog.", "Knot two: rope.", "Knot three: lamp.", "Knot four: deck.",
         "Knot five: book."]
LEAST = {"alpaca": 260, "heldout": 48, "sharegpt": 64}
NEAR_DUPLICATE = 0.8  # Jaccard similarity of word trigrams
LONGEST_ROW = 300  # tokens, chat template included

faults = []


def fault(place, text):
    faults.append(f"{place}: {text}")


def check_answer(place, text):
    """Every answer is: a knot line, one line of two or more words, a log line."""
    lines = text.split("\n")
    if len(lines) != 3:
        return fault(place, f"an answer of {len(lines)} lines, expected 3")
    if lines[0] not in KNOTS:
        fault(place, f"opens with {lines[0]!r}")
    if not re.fullmatch(r"Log: [^A-Z.]+\. The rope holds\.", lines[2]):
        fault(place, f"closes with {lines[2]!r}")
    if not text.isascii() or "  " in text or re.search(r"[ \t]$", text, re.M):
        fault(place, "stray spaces or characters beyond ASCII")


def alpaca(name):
    rows = json.loads((DATA / name).read_text(encoding="utf-8"))
    for index, row in enumerate(rows):
        place = f"{name}[{index}]"
        if list(row) != ["instruction", "input", "output"]:
            fault(place, f"fields {list(row)}")
        check_answer(place, row["output"])
    return rows


def sharegpt(name):
    rows = []
    for number, line in enumerate((DATA / name).read_text(encoding="utf-8").splitlines(), 1):
        place = f"{name}:{number}"
        turns = json.loads(line)["conversations"]
        rows.append(turns)
        spoken = turns[1:] if turns[0]["from"] == "system" else turns
        roles = [turn["from"] for turn in spoken]
        if roles != ["human", "gpt"] * (len(roles) // 2) or not 2 <= len(roles) // 2 <= 4:
            fault(place, f"roles {roles}")
        for turn in spoken[1::2]:
            check_answer(place, turn["value"])
    return rows


def trigrams(text):
    words = ["", ""] + re.findall(r"[a-z']+|\d+", text.lower()) + ["", ""]
    return set(zip(words, words[1:], words[2:]))


def middle(answer):
    """The answer without the lines that are alike by design."""
    return answer.split("\n")[1]


def similarity(left, right):
    return len(left & right) / max(1, len(left | right))


def check_duplicates(train, heldout, conversations):
    named = [(f"alpaca[{i}]", r["instruction"] + "\n" + r["input"], r["output"])
             for i, r in enumerate(train)]
    named += [(f"heldout[{i}]", r["instruction"] + "\n" + r["input"], r["output"])
              for i, r in enumerate(heldout)]
    for i, turns in enumerate(conversations):
        values = [turn["value"] for turn in turns if turn["from"] != "system"]
        # A follow-up such as "And then?" means nothing alone: the question is the talk so far.
        named += [(f"sharegpt[{i}].{k // 2}", "\n".join(values[: k + 1]), values[k + 1])
                  for k in range(0, len(values), 2)]
    grams = [(place, question, answer, trigrams(question), trigrams(middle(answer)))
             for place, question, answer in named]
    for a, b in combinations(grams, 2):
        if a[2] == b[2]:
            fault(f"{a[0]}, {b[0]}", "the same answer")
        if a[1] == b[1]:
            fault(f"{a[0]}, {b[0]}", "the same question")
        if similarity(a[4], b[4]) >= NEAR_DUPLICATE:
            fault(f"{a[0]}, {b[0]}", "nearly the same answer")
        if similarity(a[3], b[3]) >= NEAR_DUPLICATE and similarity(a[4], b[4]) >= 0.5:
            fault(f"{a[0]}, {b[0]}", "nearly the same row")
    unseen = [max(similarity(h[4], g[4]) for g in grams if not g[0].startswith("heldout"))
              for h in grams if h[0].startswith("heldout")]
    print(f"held-out answers: nearest training answer {sum(unseen) / len(unseen):.2f} alike "
          f"on average, {max(unseen):.2f} at most")


def check_lengths(directory, train, heldout, conversations):
    from jinja2 import Environment
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(Path(directory) / "tokenizer.json"))
    template = Environment(trim_blocks=True, lstrip_blocks=True).from_string(
        (Path(directory) / "chat_template.jinja").read_text(encoding="utf-8"))
    role = {"human": "user", "gpt": "assistant", "system": "system"}

    def of_alpaca(row):
        question = row["instruction"] + ("\n\n" + row["input"] if row["input"] else "")
        return [{"role": "user", "content": question},
                {"role": "assistant", "content": row["output"]}]

    sets = {"alpaca": [of_alpaca(r) for r in train], "heldout": [of_alpaca(r) for r in heldout],
            "sharegpt": [[{"role": role[t["from"]], "content": t["value"]} for t in turns]
                         for turns in conversations]}

    def count(text):
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    for name, rows in sets.items():
        lengths = [count(template.render(messages=r, add_generation_prompt=False)) for r in rows]
        answers = [count(m["content"]) for r in rows for m in r if m["role"] == "assistant"]
        for index, length in enumerate(lengths):
            if length >= LONGEST_ROW:
                fault(f"{name}[{index}]", f"{length} tokens, expected fewer than {LONGEST_ROW}")
        print(f"{name}: rows of {min(lengths)} to {max(lengths)} tokens, {sum(lengths)} in all; "
              f"answers of {min(answers)} to {max(answers)}, {sum(answers)} in all")


def main():
    train, heldout = alpaca("ferry-alpaca.json"), alpaca("ferry-heldout.json")
    conversations = sharegpt("ferry-sharegpt.jsonl")
    for name, rows in (("alpaca", train), ("heldout", heldout), ("sharegpt", conversations)):
        if len(rows) < LEAST[name]:
            fault(name, f"{len(rows)} rows, expected at least {LEAST[name]}")
    answers = sum(len(t) // 2 for t in conversations)
    print(f"{len(train)} training rows ({sum(bool(r['input']) for r in train)} with input), "
          f"{len(heldout)} held-out rows ({sum(bool(r['input']) for r in heldout)} with input), "
          f"{len(conversations)} conversations with {answers} answers "
          f"({sum(t[0]['from'] == 'system' for t in conversations)} with a system message)")
    for name, rows in (("alpaca", train), ("heldout", heldout)):
        print(name, "by knot:",
              [sum(r["output"].startswith(knot) for r in rows) for knot in KNOTS])
    check_duplicates(train, heldout, conversations)
    if len(sys.argv) > 1:
        check_lengths(sys.argv[1], train, heldout, conversations)
    for line in faults:
        print(line, file=sys.stderr)
    sys.exit(1 if faults else 0)


main()
