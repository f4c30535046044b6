"""Chat templates in the manner of well-known models, rendered over many conversations by transformers.

Reads Tests/Golden/template/*.jinja (written for this project) and writes models.json beside them:
{conversations: {name: variables}, expected: {template: {conversation: text, or null if refused}}}.
Run from the repository root in an environment with transformers: python scripts/golden/template_models.py
"""

import json
from pathlib import Path

from transformers.utils.chat_template_utils import _compile_jinja_template

FOLDER = Path("Tests/Golden/template")


def turn(role, content, **more):
    return {"role": role, "content": content, **more}


TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Weather of a city.\nMetric units; 温度 in °C.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "Its \"name\""},
                    "days": {"type": "integer", "default": 3},
                    "wanted": {"type": "array", "items": {"type": "string"}},
                },
                "required": ["city"],
            },
        },
    },
    {"type": "function", "function": {"name": "clock", "description": "The time.", "parameters": {}}},
]


def call(name, arguments, identifier="abc123def"):
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}


CHATS = {
    "question": [turn("user", "What is a brook?"), turn("assistant", "A small stream.")],
    "system": [turn("system", "Be brief."), turn("user", "Hi"), turn("assistant", "Hello!")],
    "open": [turn("user", "Only a question")],
    "long": [turn("system", " Spaces around. ")]
    + [turn(r, f" {r} {i}\n") for i in range(4) for r in ("user", "assistant")],
    "unicode": [
        turn("user", "Grüße e\u0301 \u00e9 世界 😀👨‍👩‍👧 \u200b\u00a0"),
        turn("assistant", "naïve \"quotes\" 'n' <tags> & \\ {{ braces }} {% tag %}\r\n\tend"),
    ],
    "empty": [turn("system", ""), turn("user", ""), turn("assistant", "")],
    "thinking": [
        turn("user", "2+2?"),
        turn("assistant", "<think>\nTwo and two.\n</think>\n\n4"),
        turn("user", "3+3?"),
        turn("assistant", "<think>\nThree and three.\n</think>\n\n6"),
    ],
    "modes": [turn("system", "Stay calm. /no_think"), turn("user", "a"), turn("assistant", "b")],
    "order": [turn("assistant", "I begin."), turn("user", "Odd."), turn("user", "Twice.")],
    "calls": [
        turn("user", "Weather in Köln?"),
        turn("assistant", "", tool_calls=[call("weather", {"city": "Köln", "days": 1})]),
        turn("tool", '{"temperature": 21.5}', tool_call_id="abc123def", name="weather"),
        turn("assistant", "It is 21.5 °C."),
    ],
    "two calls": [
        turn("system", "Use tools."),
        turn("user", "Weather and time?"),
        turn("assistant", "Let me see.", tool_calls=[call("weather", {"city": "Rio"}), call("clock", {})]),
        turn("tool", "sunny", name="weather"),
        turn("tool", "12:00", name="clock"),
        turn("assistant", "Sunny, noon."),
        turn("user", "Thanks"),
        turn("assistant", "Welcome."),
    ],
    "odd role": [turn("user", "x"), turn("narrator", "y"), turn("assistant", "z")],
}
TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}


def variables():
    for name, messages in CHATS.items():
        for prompt in (False, True):
            base = {**TOKENS, "messages": messages, "add_generation_prompt": prompt, "documents": None}
            label = name + (", prompt" if prompt else "")
            yield label, {**base, "tools": None}
            if "call" in name or name == "open":
                yield label + ", tools", {**base, "tools": TOOLS}
    plain = {**TOKENS, "messages": CHATS["question"], "tools": None, "documents": None}
    yield "no thinking", {**plain, "enable_thinking": False, "add_generation_prompt": True}
    yield "date", {**plain, "date_string": "5 May 2025"}
    yield "documents", {**plain, "documents": [{"text": "one"}, {"text": "two"}]}
    yield "tools in front", {**plain, "tools": TOOLS, "tools_in_front": True, "extras": ["a", "none", "b"]}
    parts = [turn("user", [{"type": "text", "text": " hey "}, {"type": "image"}])]
    yield "parts", {**plain, "messages": parts}
    yield "no tokens", {"messages": CHATS["question"]}
    yield "no messages", {**TOKENS, "messages": []}


def render(template, values):
    try:
        return template.render(**json.loads(json.dumps(values)))
    except Exception:
        return None


conversations = dict(variables())
expected = {}
for file in sorted(FOLDER.glob("*.jinja")):
    template = _compile_jinja_template(file.read_text())
    expected[file.stem] = {name: render(template, values) for name, values in conversations.items()}
    refused = sum(text is None for text in expected[file.stem].values())
    print(f"{file.stem}: {len(conversations)} conversations, {refused} refused")
out = {"conversations": conversations, "expected": expected}
(FOLDER / "models.json").write_text(json.dumps(out, ensure_ascii=False, indent=1) + "\n")
