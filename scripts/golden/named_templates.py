"""What the models that named templates stand for write themselves, for NamedTemplateGoldenTests.

The models' own templates are not part of this repository. They are read from
- LLAMA_CPP: llama.cpp as in the source package of llama-cpp-python 0.3.36 (vendor/llama.cpp): models/templates and the
  texts in tests/test-chat-template.cpp;
- HUGGINGFACE_JS: a checkout of huggingface.js (August 2026): packages/ollama-utils/src/chat-template-automap.ts, which
  holds templates of GGUF files, and packages/jinja/test/e2e.test.js.
Vicuna and Alpaca come without Jinja; their rules are written out below.

Run from the repository root, in an environment with transformers:

    python scripts/golden/named_templates.py LLAMA_CPP HUGGINGFACE_JS

It writes Tests/Golden/named-templates/cases.json: {tools, conversations, templates: {name: {model, tokens, cases}}}. A
case is a conversation, whether there is a generation prompt, further variables, and the text. Conversations that a
model's own template refuses are left out.
"""

import json
import re
import sys
from pathlib import Path

from transformers import PreTrainedTokenizerFast

from template_survey import CALLS, CONVERSATIONS, TOOLS, render

TARGET = Path("Tests/Golden/named-templates")
PLAIN = ["plain", "system", "turns", "question", "system question", "turns without system", "thoughts inside"]
WITH_CALLS = ["tools", "calls", "open call", "open result", "content and calls", "thoughts and calls", "reasoning"]
ONE_CALL = {
    "system and a call": ([{"role": "system", "content": " Be brief & kind. "}] + CALLS, TOOLS),
    "result before an answer": (CALLS[:3], TOOLS),
}
ALL = {**{name: CONVERSATIONS[name] for name in PLAIN + WITH_CALLS}, **ONE_CALL}
DEEPSEEK = {"bos_token": "<｜begin▁of▁sentence｜>", "eos_token": "<｜end▁of▁sentence｜>"}


def llama_cpp_file(root, name):
    return (root / "models/templates" / f"{name}.jinja").read_text()


def llama_cpp_test(root, name):
    source = (root / "tests/test-chat-template.cpp").read_text()
    text = re.compile(r'/\* \.template_str=? \*/\s*(?:U8C\()?("(?:[^"\\]|\\.)*")')
    return json.loads(text.search(source, source.index(f'"{name}')).group(1))


def automap(root, name):
    source = (root / "packages/ollama-utils/src/chat-template-automap.ts").read_text()
    text = re.compile(r'gguf: ("(?:[^"\\]|\\.)*")')
    return json.loads(text.search(source, source.index(f'model: "library/{name}"')).group(1))


def jinja_test(root, start):
    source = (root / "packages/jinja/test/e2e.test.js").read_text()
    text = source[source.index(start):].split("`", 1)[0]
    return text.replace("\\\\", "\0").replace("\\n", "\n").replace("\0", "\\")


def replaced(text, old, new):
    assert text.count(old) == 1, (old, text.count(old))
    return text.replace(old, new)


def content_parts(messages):
    return [{**m, "content": [{"type": "text", "text": m["content"]}]} for m in messages]


def arguments_as_text(messages):
    def changed(call):
        function = call["function"]
        text = json.dumps(function["arguments"], ensure_ascii=False)
        return {**call, "function": {**function, "arguments": text}}

    return [
        {**m, "tool_calls": [changed(c) for c in m["tool_calls"]]} if "tool_calls" in m else m for m in messages
    ]


def vicuna(messages, prompt, bos_token, eos_token):
    """FastChat, conversation "vicuna_v1.1": role + ": " + text, with sep " " and sep2 "</s>" in turn."""
    system = (
        "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, "
        "detailed, and polite answers to the user's questions."
    )
    if messages[0]["role"] == "system":
        system, messages = messages[0]["content"], messages[1:]
    text = bos_token + system + " "
    for index, message in enumerate(messages):
        role = {"user": "USER", "assistant": "ASSISTANT"}[message["role"]]
        text += f"{role}: {message['content']}" + (" ", eos_token)[index % 2]
    return text + ("ASSISTANT:" if prompt else "")


def alpaca(messages, prompt, bos_token, eos_token):
    """Stanford Alpaca's words, with the lines of Unsloth's and LLaMA-Factory's form for several turns."""
    system = "Below is an instruction that describes a task. Write a response that appropriately completes the request."
    if messages[0]["role"] == "system":
        system, messages = messages[0]["content"], messages[1:]
    text = f"{bos_token}{system}\n\n"
    for message in messages:
        if message["role"] == "user":
            text += f"### Instruction:\n{message['content']}\n\n"
        else:
            text += f"### Response:\n{message['content']}{eos_token}\n\n"
    return text + ("### Response:\n" if prompt else "")


def sources(llama_cpp, js):
    """name: (model, own template or rule, conversations, what becomes of messages, tokens)"""
    def same(messages):
        return messages

    standard = {"bos_token": "<s>", "eos_token": "</s>"}
    # The template of Mistral loses the system message where an answer follows the last question; mistral-common
    # puts it to the last question in any case.
    mistral = replaced(
        llama_cpp_test(llama_cpp, "Mistral-Large-Instruct-2407"),
        "loop.last and system_message is defined",
        "message == user_messages[-1] and system_message is defined",
    )
    tools = list(ALL)
    calls = [c for c in ALL if c not in PLAIN + ["reasoning", "tools"]]
    zephyr = "{% for message in messages %}\\n{% if message['role'] == 'user' %}\\n{{ '<|user|>"
    return [
        ("alpaca", "Stanford Alpaca", alpaca, PLAIN, same, standard),
        ("chatml", "OpenHermes 2.5", llama_cpp_test(llama_cpp, "teknium/OpenHermes-2.5"), PLAIN, same, standard),
        ("deepseek", "DeepSeek V3", automap(js, "deepseek-v3:671b"), PLAIN + ["tools"], same, DEEPSEEK),
        ("deepseek", "DeepSeek R1 0528", automap(js, "deepseek-r1:latest"), calls, arguments_as_text, DEEPSEEK),
        ("gemma", "Gemma 3 1B", automap(js, "gemma3:1b"), PLAIN, content_parts, standard),
        ("gemma", "Gemma 2 2B", llama_cpp_file(llama_cpp, "google-gemma-2-2b-it"), PLAIN, same, standard),
        ("llama-2", "Llama 2 7B Chat", automap(js, "llama2:7b"), PLAIN, same, standard),
        ("llama-3", "Llama 3 8B Instruct", automap(js, "llama3:8b"), PLAIN, same, standard),
        (
            "llama-3.1", "Llama 3.1 8B Instruct", llama_cpp_file(llama_cpp, "meta-llama-Llama-3.1-8B-Instruct"),
            tools, same, standard,
        ),
        ("mistral", "Mistral 7B Instruct v0.3", mistral, tools, same, standard),
        (
            "phi-3", "Phi-3.5 mini", llama_cpp_file(llama_cpp, "microsoft-Phi-3.5-mini-instruct"), PLAIN, same,
            standard,
        ),
        ("qwen", "Qwen2.5 7B Instruct", llama_cpp_file(llama_cpp, "Qwen-Qwen2.5-7B-Instruct"), tools, same, standard),
        ("qwen-3", "Qwen3 0.6B", llama_cpp_file(llama_cpp, "Qwen-Qwen3-0.6B"), tools, same, standard),
        ("vicuna", "Vicuna 7B 1.5", vicuna, PLAIN, same, standard),
        ("zephyr", "Zephyr 7B beta", jinja_test(js, zephyr), PLAIN, same, standard),
    ]


EXTRAS = {"qwen-3": {"enable_thinking": False}, "llama-3.1": {"date_string": "5 May 2025"}}


def cases(name, own, conversations, change, tokens):
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file="Tests/Golden/template-rendering/tokenizer.json", **tokens
    )
    for conversation in conversations:
        messages, tools = ALL[conversation]
        extras = [{}] + ([EXTRAS[name]] if name in EXTRAS and conversation == "question" else [])
        for prompt, extra in ((p, e) for p in (False, True) for e in extras):
            if callable(own):
                result = {"text": own(messages, prompt, **tokens)}
            else:
                result = render(tokenizer, own, change(messages), tools, prompt, extra)
            if "text" in result:
                yield {"conversation": conversation, "prompt": prompt, "extra": extra, **result}
            else:
                print(f"{name}: {conversation}: left out: {result}")


def main(llama_cpp, js):
    templates = {}
    for name, model, own, conversations, change, tokens in sources(llama_cpp, js):
        entry = templates.setdefault(name, {"model": model, "tokens": tokens, "cases": []})
        known = {json.dumps([c["conversation"], c["prompt"], c["extra"]]): c["text"] for c in entry["cases"]}
        for case in cases(name, own, conversations, change, tokens):
            key = json.dumps([case["conversation"], case["prompt"], case["extra"]])
            if key not in known:
                entry["cases"].append(case)
            elif known[key] != case["text"]:
                print(f"{name}: {case['conversation']}: {model} differs from {entry['model']}")
    TARGET.mkdir(parents=True, exist_ok=True)
    golden = {
        "tools": TOOLS,
        "conversations": {n: {"messages": m, "tools": t is not None} for n, (m, t) in ALL.items()},
        "templates": templates,
    }
    (TARGET / "cases.json").write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n")
    print({name: len(entry["cases"]) for name, entry in templates.items()})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
