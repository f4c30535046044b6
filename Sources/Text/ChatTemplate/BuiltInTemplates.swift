import Formats

/// Chat formats in wide use, for models that bring no template of their own.
///
/// Each stands for one model and writes what that model's own template writes, byte by byte
/// (`scripts/golden/named_templates.py`), wherever that shows the whole conversation. A turn for which
/// the format has no place is refused where the model's own refuses it or leaves it out.
enum BuiltInTemplates {
  static var names: [String] { sources.map(\.name) }

  /// The template of this name, in which hyphens may be left out: "llama3" is "llama-3".
  static func template(named name: String) throws(Problem) -> ChatTemplate? {
    let letters = letters(name)
    guard let entry = sources.first(where: { self.letters($0.name) == letters }) else { return nil }
    return try ChatTemplate(
      source: entry.source, name: "template \"\(entry.name)\"", requiredTokens: entry.tokens)
  }

  private static func letters(_ name: String) -> [UInt8] { name.utf8.filter { $0 != 0x2D } }

  /// `tokens` are those that the format is pointless without: a model that does not know them as one
  /// token would read them as plain text and never learn where a turn ends.
  private static let sources: [(name: String, tokens: [String], source: String)] = [
    ("alpaca", [], alpaca),
    ("chatml", ["<|im_start|>", "<|im_end|>"], chatML),
    ("deepseek", ["<｜User｜>", "<｜Assistant｜>"], deepSeek),
    ("gemma", ["<start_of_turn>", "<end_of_turn>"], gemma),
    ("llama-2", [], llama2),
    ("llama-3", ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"], llama3),
    ("llama-3.1", ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"], llama31),
    ("mistral", [], mistral),
    ("phi-3", ["<|user|>", "<|assistant|>", "<|end|>"], phi3),
    ("qwen", ["<|im_start|>", "<|im_end|>"], qwen),
    ("qwen-3", ["<|im_start|>", "<|im_end|>"], qwen3),
    ("vicuna", [], vicuna),
    ("zephyr", [], zephyr),
  ]

  /// Stanford Alpaca's prompt for several turns, as Unsloth and LLaMA-Factory write it: the answer stands
  /// on a line of its own. A system message takes the place of the first sentence.
  private static let alpaca = """
    {{ bos_token | default('', true) }}
    {%- if messages[0].role == 'system' %}
      {%- set preamble = messages[0].content %}
    {%- else %}
      {%- set preamble = 'Below is an instruction that describes a task. Write a response that ' \
    'appropriately completes the request.' %}
    {%- endif %}
    {{- preamble + '\\n\\n' }}
    {%- for message in messages %}
      {%- if message.role == 'user' %}
        {{- '### Instruction:\\n' + message.content + '\\n\\n' }}
      {%- elif message.role == 'assistant' %}
        {{- '### Response:\\n' + message.content + eos_token | default('', true) + '\\n\\n' }}
      {%- elif message.role == 'tool' %}
        {{- '### Input:\\n' + message.content + '\\n\\n' }}
      {%- endif %}
    {%- endfor %}
    {%- if add_generation_prompt %}
      {{- '### Response:\\n' }}
    {%- endif %}
    """

  /// OpenHermes 2.5: every role has its turn, and nothing is added.
  private static let chatML = """
    {%- for message in messages %}
      {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
    {%- endfor %}
    {%- if add_generation_prompt %}
      {{- '<|im_start|>assistant\\n' }}
    {%- endif %}
    """

  /// Gemma 3: the system text stands above the first question. Gemma 1 and 2 have the same turns and
  /// refuse a system message.
  private static let gemma = """
    {{- bos_token | default('', true) }}
    {%- set ns = namespace(system='') %}
    {%- for message in messages %}
      {%- if message.role == 'system' %}
        {%- set ns.system = message.content + '\\n\\n' %}
      {%- elif message.role in ['user', 'assistant'] %}
        {%- set role = 'model' if message.role == 'assistant' else 'user' %}
        {{- '<start_of_turn>' + role + '\\n' + ns.system + message.content | trim + '<end_of_turn>\\n' }}
        {%- set ns.system = '' %}
      {%- else %}
        {{- raise_exception('the format of Gemma has no turn for the role ' + message.role) }}
      {%- endif %}
    {%- endfor %}
    {%- if add_generation_prompt %}
      {{- '<start_of_turn>model\\n' }}
    {%- endif %}
    """

  /// Llama 2 Chat: the system message stands inside the first instruction.
  private static let llama2 = """
    {%- set ns = namespace(system='') %}
    {%- for message in messages %}
      {%- if message.role == 'system' %}
        {%- set ns.system = '<<SYS>>\\n' + message.content + '\\n<</SYS>>\\n\\n' %}
      {%- elif message.role == 'assistant' %}
        {{- ' ' + message.content | trim + ' ' + eos_token | default('', true) }}
      {%- elif message.role == 'user' %}
        {{- bos_token | default('', true) + '[INST] ' + (ns.system + message.content) | trim + ' [/INST]' }}
        {%- set ns.system = '' %}
      {%- else %}
        {{- raise_exception('the format of Llama 2 has no turn for the role ' + message.role) }}
      {%- endif %}
    {%- endfor %}
    """

  /// Llama 3 Instruct, which knows no tools.
  private static let llama3 = """
    {{- bos_token | default('', true) }}
    {%- for message in messages %}
      {{- '<|start_header_id|>' + message.role + '<|end_header_id|>\\n\\n' }}
      {{- message.content | trim + '<|eot_id|>' }}
    {%- endfor %}
    {%- if add_generation_prompt %}
      {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
    {%- endif %}
    """

  /// Phi-3.5 mini; what is not a prompt ends with the end-of-sequence token.
  private static let phi3 = """
    {%- for message in messages %}
      {%- if message.role not in ['system', 'user', 'assistant'] %}
        {{- raise_exception('the format of Phi-3 has no turn for the role ' + message.role) }}
      {%- endif %}
      {%- if message.role != 'system' or message.content %}
        {{- '<|' + message.role + '|>\\n' + message.content + '<|end|>\\n' }}
      {%- endif %}
    {%- endfor %}
    {{- '<|assistant|>\\n' if add_generation_prompt else eos_token | default('', true) }}
    """

  /// Vicuna 1.1 to 1.5 as FastChat writes it: a space behind a question, the end-of-sequence token
  /// behind an answer, and the system message of its training where a row has none.
  private static let vicuna = """
    {{- bos_token | default('', true) }}
    {%- if messages[0].role != 'system' %}
      {{- 'A chat between a curious user and an artificial intelligence assistant. The assistant gives ' \
    'helpful, detailed, and polite answers to the user\\'s questions. ' }}
    {%- endif %}
    {%- for message in messages %}
      {%- if message.role == 'system' %}
        {{- message.content + ' ' }}
      {%- elif message.role == 'assistant' %}
        {{- 'ASSISTANT: ' + message.content + eos_token | default('', true) }}
      {%- elif message.role == 'user' %}
        {{- 'USER: ' + message.content + ' ' }}
      {%- else %}
        {{- raise_exception('the format of Vicuna has no turn for the role ' + message.role) }}
      {%- endif %}
    {%- endfor %}
    {%- if add_generation_prompt %}
      {{- 'ASSISTANT:' }}
    {%- endif %}
    """

  /// Zephyr 7B beta.
  private static let zephyr = """
    {%- for message in messages %}
      {%- if message.role not in ['system', 'user', 'assistant'] %}
        {{- raise_exception('the format of Zephyr has no turn for the role ' + message.role) }}
      {%- endif %}
      {{- '<|' + message.role + '|>\\n' + message.content + eos_token | default('', true) + '\\n' }}
    {%- endfor %}
    {%- if add_generation_prompt %}
      {{- '<|assistant|>\\n' }}
    {%- endif %}
    """
}
