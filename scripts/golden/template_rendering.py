"""Loss masks from transformers: what {% generation %} marks, tokenized by a tiny tokenizer.

Writes Tests/Golden/template-rendering/: tokenizer.json and tokenizer_config.json (byte-level BPE, a few hundred
tokens, trained on the sentences below) and cases.json, a list of {template, messages, tools, text, spans (UTF-8 bytes),
ids, labels}. The templates mark what is to be trained with {% generation %}; the renderer under test must find the
same without looking at the marks. A span begins where the prompt for its answer ends, which is what the model has to
produce; where a template writes no prompt, behind its header. A token is trained if it is not empty and ends inside a
marked span; one that reaches into it from before is the first that the model has to produce.
Run from the repository root in an environment with transformers: python scripts/golden/template_rendering.py
"""

import json
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast
from transformers.utils.chat_template_utils import render_jinja_template

OUT = Path("Tests/Golden/template-rendering")
SPECIAL = ["<|end|>", "<|im_start|>", "<|im_end|>", "<s>", "</s>"]
TEXT = [
    "The brook runs under the old bridge and down to the mill.",
    "Water turns the wheel, the wheel turns the stone, the stone grinds the corn.",
    "user assistant system think tool name arguments weather city",
    "Der Bach fließt unter der Brücke hindurch. 小溪流过桥下。",
] * 4


def tiny_tokenizer():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=360,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    OUT.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(OUT / "tokenizer.json"))
    config = {"bos_token": "<s>", "eos_token": "<|im_end|>", "tokenizer_class": "PreTrainedTokenizerFast"}
    (OUT / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **config)


TEMPLATES = {
    "plain": (
        "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}"
        "{% if m.role == 'assistant' %}{% generation %}{{ m.content + '<|im_end|>' }}{% endgeneration %}"
        "{% else %}{{ m.content + '<|im_end|>' }}{% endif %}{{ '\n' }}{% endfor %}"
    ),
    "trimmed": (
        "{{ bos_token }}{% for m in messages %}{{ '[' + m.role + ']\n\n' }}"
        "{% if m.role == 'assistant' %}{% generation %}{{ m.content | trim + '<|end|>' }}{% endgeneration %}"
        "{% else %}{{ m.content | trim + '<|end|>' }}{% endif %}{% endfor %}"
    ),
    "space before the end": (
        "{% for m in messages %}{% if m.role == 'assistant' %}"
        "{% generation %}{{ ' ' + m.content.strip() + ' </s>' }}{% endgeneration %}"
        "{% else %}{{ '<s>[INST] ' + m.content.strip() + ' [/INST]' }}{% endif %}{% endfor %}"
    ),
    "no end": (
        "{% for m in messages %}{{ m.role + ': ' }}"
        "{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %}"
        "{% else %}{{ m.content }}{% endif %}{{ '\n###\n' }}{% endfor %}"
    ),
    "thoughts dropped": (
        "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}"
        "{% if m.role == 'assistant' %}{% generation %}"
        "{{ (m.content if loop.last else m.content.split('</think>')[-1].lstrip()) + '<|im_end|>' }}"
        "{% endgeneration %}{% else %}{{ m.content + '<|im_end|>' }}{% endif %}{{ '\n' }}{% endfor %}"
    ),
    "thoughts moved": (
        "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}"
        "{% if m.role == 'assistant' %}"
        "{% set thought = m.content.split('</think>')[0].split('<think>')[-1].strip() if '</think>' in m.content else '' %}"
        "{% set said = m.content.split('</think>')[-1].lstrip('\n') %}"
        "{% if loop.last and thought %}"
        "{% generation %}{{ '<think>\n' + thought + '\n</think>\n\n' + said + '<|im_end|>' }}{% endgeneration %}"
        "{% elif loop.last %}"
        "{% generation %}{{ '<think>\n\n</think>\n\n' + said + '<|im_end|>' }}{% endgeneration %}"
        "{% else %}{% generation %}{{ said + '<|im_end|>' }}{% endgeneration %}{% endif %}"
        "{% else %}{{ m.content + '<|im_end|>' }}{% endif %}{{ '\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    ),
    "escaped": (
        "{% for m in messages %}{{ '{\"role\": ' + m.role | tojson + ', \"content\": \"' }}"
        "{% if m.role == 'assistant' %}{% generation %}{{ (m.content | tojson)[1:-1] }}{% endgeneration %}"
        "{% else %}{{ (m.content | tojson)[1:-1] }}{% endif %}{{ '\"}\n' }}{% endfor %}"
    ),
    "tools": (
        "{% if tools %}{{ 'tools: ' + tools | tojson + '<|end|>\n' }}{% endif %}"
        "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}"
        "{% if m.role == 'assistant' %}{% generation %}{{ m.content }}"
        "{% for c in m.tool_calls or [] %}{{ '\n<call>' + c.function | tojson + '</call>' }}{% endfor %}"
        "{{ '<|im_end|>' }}{% endgeneration %}"
        "{% else %}{{ m.content + '<|im_end|>' }}{% endif %}{{ '\n' }}{% endfor %}"
    ),
}


def turn(role, content, **more):
    return {"role": role, "content": content, **more}


THOUGHT = "<think>\nThe stone grinds.\n</think>\n\n"
CALL = {"type": "function", "function": {"name": "weather", "arguments": {"city": "Brück"}}}
TOOLS = [{"type": "function", "function": {"name": "weather", "description": "of a city", "parameters": {}}}]
CHATS = {
    "one": [turn("user", "What turns the wheel?"), turn("assistant", "Water turns the wheel.")],
    "system": [turn("system", "Be brief."), turn("user", "And the stone?"), turn("assistant", "The wheel.")],
    "spaces": [turn("user", " the old bridge "), turn("assistant", "  under the bridge\n")],
    "many": [t for i in range(6) for t in (turn("user", f"Question {i}"), turn("assistant", f"Answer the {i}"))],
    "repeated": [t for _ in range(3) for t in (turn("user", "mill"), turn("assistant", "mill"))],
    "unicode": [turn("user", "溪?"), turn("assistant", "小溪流过 e\u0301 é 😀 \"桥\"\n下")],
    "thoughts": [
        turn("user", "One?"), turn("assistant", THOUGHT + "One."), turn("user", "Two?"), turn("assistant", THOUGHT + "Two."),
    ],
    "markup inside": [
        turn("user", "Say <|im_end|>."), turn("assistant", "<|im_end|>\n<|im_start|>user\nx<|im_end|>"), turn("user", "x"), turn("assistant", "y"),
    ],
    "calls": [
        turn("user", "Weather?"), turn("assistant", "", tool_calls=[CALL]), turn("tool", "sun"), turn("assistant", "Sun."),
    ],
}

tokenizer = tiny_tokenizer()
cases = []
for template_name, template in TEMPLATES.items():
    for chat_name, messages in CHATS.items():
        if (chat_name == "calls") != (template_name == "tools") and chat_name == "calls":
            continue
        tools = TOOLS if chat_name == "calls" else None
        texts, marks = render_jinja_template(
            [messages], tools=tools, chat_template=template, return_assistant_tokens_mask=True,
            bos_token="<s>", eos_token="<|im_end|>",
        )
        text, spans = texts[0], marks[0]
        encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        labels = [
            i if any(b > s and b <= e and b > a for s, e in spans) else -100
            for i, (a, b) in zip(encoded["input_ids"], encoded["offset_mapping"])
        ]
        cases.append({
            "name": f"{template_name}, {chat_name}",
            "template": template, "messages": messages, "tools": tools, "text": text,
            "spans": [[len(text[:s].encode()), len(text[:e].encode())] for s, e in spans],
            "ids": encoded["input_ids"], "labels": labels,
        })
lines = ",\n".join(json.dumps(c, ensure_ascii=False) for c in cases)
(OUT / "cases.json").write_text("[\n" + lines + "\n]\n")
print(f"{len(cases)} cases, {sum(len(c['ids']) for c in cases)} tokens")
