"""Renders a folder of chat templates with transformers, for a comparison with this project's renderer.

The templates of models are not part of this repository. llama.cpp collects 70 of them under models/templates, which
are also in the source package of llama-cpp-python 0.3.36 (`pip download --no-deps --no-binary :all:`).
Run from the repository root, in an environment with transformers:

    python scripts/golden/template_survey.py FOLDER SURVEY
    TZ=UTC FINETUNE_TEMPLATE_SURVEY=SURVEY swift test --filter TemplateSurveyTests

It writes SURVEY/survey.json, {tokens, date, conversations, cases}: a case names its template, its conversation and what
else was given to `apply_chat_template`, with the text or the error that came back. The tests read FOLDER's templates
from SURVEY as well, where this copies them.
"""

import datetime
import json
import os
import re
import shutil
import sys
import time
from pathlib import Path

import jinja2
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast
from transformers.utils import chat_template_utils

TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}
DATE = 1_750_000_000
os.environ["TZ"] = "UTC"
time.tzset()


class FixedClock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(DATE, tz)


chat_template_utils.datetime = FixedClock


def turn(role, content, **more):
    return {"role": role, "content": content, **more}


def call(name, arguments, identifier="a1b2c3d4e"):
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}


def answer(name, content, identifier="a1b2c3d4e"):
    return {"role": "tool", "content": content, "tool_call_id": identifier, "name": name}


def thought(text, content, key="reasoning_content", **more):
    return turn("assistant", content, **{key: text}, **more)


TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Weather of a city.\nMetric units; 温度 in °C, <b>not</b> in °F & co.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "Its \"name\""},
                    "days": {"type": "integer", "default": 3},
                    "unit": {"type": "string", "enum": ["C", "K"]},
                    "wanted": {"type": "array", "items": {"type": "string"}},
                },
                "required": ["city"],
            },
        },
    },
    {
        "type": "function",
        "function": {
            "name": "clock", "description": "The time.",
            "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}, "required": []},
        },
    },
]
QUESTION = [turn("user", "What turns the <wheel>? 轮子")]
PLAIN = QUESTION + [turn("assistant", "  Water turns it — \"always\".\n")]
SYSTEM = [turn("system", " Be brief & kind. ")]
TURNS = [
    turn(role, f"{role} says {i}")
    for i in range(3) for role in ("user", "assistant")
]
CALLS = [
    turn("user", "Weather in Köln?"),
    turn("assistant", "", tool_calls=[call("weather", {"city": "Köln", "days": 1, "wanted": ["sun", "wind"]})]),
    answer("weather", '{"temperature": 21.5, "sky": "clear"}'),
    turn("assistant", "It is 21.5 °C and clear."),
]
THOUGHTS = [
    turn("user", "Two and two?"),
    thought("Two, then two more.", "Four."),
    turn("user", "Three and three?"),
    thought("Three, then three more.\nSo six.", "Six.", key="thinking"),
]
# name: (messages, tools). The first six are the ones that a template has to stand; the others are their variations.
CONVERSATIONS = {
    "plain": (PLAIN, None),
    "system": (SYSTEM + PLAIN, None),
    "turns": (SYSTEM + TURNS, None),
    "tools": (SYSTEM + PLAIN, TOOLS),
    "calls": (CALLS, TOOLS),
    "reasoning": (THOUGHTS, None),
    "question": (QUESTION, None),
    "system question": (SYSTEM + QUESTION, TOOLS),
    "turns without system": (TURNS, None),
    "open call": (CALLS[:2], TOOLS),
    "open result": (SYSTEM + CALLS[:3], TOOLS),
    "null content": (
        CALLS[:1] + [{"role": "assistant", "content": None, "tool_calls": CALLS[1]["tool_calls"]}] + CALLS[2:], TOOLS,
    ),
    "content and calls": (
        SYSTEM
        + [
            turn("user", "Weather and time?"),
            turn(
                "assistant", "Let me see.",
                tool_calls=[call("weather", {"city": "Rio"}), call("clock", {}, "f6g7h8i9j")],
            ),
            answer("weather", "sunny"),
            answer("clock", "12:00", "f6g7h8i9j"),
            turn("assistant", "Sunny, noon."),
            turn("user", "Thanks"),
            turn("assistant", "Welcome."),
        ],
        TOOLS,
    ),
    "thoughts and calls": (
        [
            turn("user", "Weather in Köln?"),
            thought("I have to look.", "Looking.", tool_calls=CALLS[1]["tool_calls"]),
            answer("weather", "wet: 4 mm"),
            thought("It rains.", "Rain."),
            turn("user", "And in Rio?"),
            thought("The other one.", "", tool_calls=[call("weather", {"city": "Rio"}, "f6g7h8i9j")]),
            answer("weather", "dry: 0 mm", "f6g7h8i9j"),
            thought("It shines.", "Sun.", key="reasoning"),
        ],
        TOOLS,
    ),
    "thoughts inside": (
        [
            turn("user", "Two and two?"),
            turn("assistant", "<think>\nTwo, then two more.\n</think>\n\nFour."),
            turn("user", "Three and three?"),
            turn("assistant", "<think>\nThree more.\n</think>\n\nSix."),
        ],
        None,
    ),
    "calls without tools": (CALLS, None),
    "two users": ([turn("user", "One."), turn("user", "Two."), turn("assistant", "Three.")], None),
    "assistant first": ([turn("assistant", "I begin."), turn("user", "Odd.")], None),
    "late system": (PLAIN + SYSTEM + PLAIN, None),
    "arguments as text": (
        CALLS[:1]
        + [turn("assistant", None, tool_calls=[call("weather", '{"city": "Köln", "days": 1}')])]
        + CALLS[2:],
        TOOLS,
    ),
    "parts": (
        [
            turn("user", [{"type": "text", "text": "What turns "}, {"type": "text", "text": "the wheel?"}]),
            turn("assistant", [{"type": "text", "text": "Water turns it."}]),
            turn("user", "And the stone?"),
            turn("assistant", "The wheel."),
        ],
        None,
    ),
    "names": ([turn("user", "x", name="Ada"), turn("assistant", "z", name="Bob", refusal=None, channel="final")], None),
    "odd role": ([turn("user", "x"), turn("narrator", "y"), turn("assistant", "z")], None),
}
EXTRAS = [
    {},
    {"enable_thinking": True},
    {"enable_thinking": False},
    {"thinking": True, "reasoning_effort": "high", "date_string": "5 May 2025", "preserve_thinking": True},
    {"thinking": False, "reasoning_effort": "low", "clear_thinking": False, "thinking_budget": 512},
]


def plain_tokenizer(templates, target):
    """A byte-level tokenizer that has every marker of the templates as a special token."""
    source = Path("Tests/Golden/template-rendering/tokenizer.json")
    tokenizer = Tokenizer.from_file(str(source))
    markers = set()
    for text in templates.values():
        markers.update(re.findall(r"<[|｜][^<>\s'\"{}]+[|｜]>|<(?:start|end)_of_turn>|<\|?turn\|?>", text))
    tokenizer.add_special_tokens(sorted(markers | set(TOKENS.values())))
    tokenizer.save(str(target / "tokenizer.json"))
    (target / "tokenizer_config.json").write_text(json.dumps(TOKENS) + "\n")


def render(tokenizer, template, messages, tools, prompt, extra):
    try:
        text = tokenizer.apply_chat_template(
            messages, tools=tools, chat_template=template, tokenize=False, add_generation_prompt=prompt, **extra
        )
        return {"text": text}
    except jinja2.exceptions.TemplateError as error:
        refusal = type(error) is jinja2.exceptions.TemplateError
        return {"refusal" if refusal else "error": str(error)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def main(folder, target):
    target.mkdir(parents=True, exist_ok=True)
    templates = {}
    for file in sorted(folder.glob("*.jinja")):
        shutil.copy(file, target / file.name)
        templates[file.stem] = file.read_text()
    plain_tokenizer(templates, target)
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(target / "tokenizer.json"), **TOKENS)
    cases = []
    for name, template in templates.items():
        for conversation, (messages, tools) in CONVERSATIONS.items():
            for extra in EXTRAS:
                for prompt in (False, True):
                    result = render(tokenizer, template, messages, tools, prompt, extra)
                    cases.append(
                        {"template": name, "conversation": conversation, "prompt": prompt, "extra": extra, **result}
                    )
    survey = {
        "date": DATE,
        "conversations": {n: {"messages": m, "tools": t} for n, (m, t) in CONVERSATIONS.items()},
        "cases": cases,
    }
    (target / "survey.json").write_text(json.dumps(survey, ensure_ascii=False))
    kinds = {k: sum(k in c for c in cases) for k in ("text", "refusal", "error")}
    print(f"{len(templates)} templates, {len(CONVERSATIONS)} conversations, {len(cases)} cases: {kinds}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
