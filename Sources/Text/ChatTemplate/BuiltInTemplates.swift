import Formats

/// Chat formats in wide use, for models that bring no template of their own.
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
    ("mistral", [], mistral),
    ("phi-3", ["<|user|>", "<|assistant|>", "<|end|>"], phi3),
    ("qwen", ["<|im_start|>", "<|im_end|>"], qwen),
    ("vicuna", [], vicuna),
    ("zephyr", [], zephyr),
  ]

  /// Stanford Alpaca's prompt; a system message takes the place of its first sentence.
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

  private static let chatML = """
    {%- for message in messages %}
      {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
    {%- endfor %}
    {%- if add_generation_prompt %}
      {{- '<|im_start|>assistant\\n' }}
    {%- endif %}
    """

  /// DeepSeek V2.5, V3 and R1: system messages stand in front of all turns.
  private static let deepSeek = """
    {{- bos_token | default('', true) }}
    {{- messages | selectattr('role', 'equalto', 'system') | map(attribute='content') | join('\\n\\n') }}
    {%- for message in messages if message.role != 'system' %}
      {%- if message.role == 'assistant' %}
        {{- '<｜Assistant｜>' + message.content + eos_token | default('', true) }}
      {%- else %}
        {{- '<｜User｜>' + message.content }}
      {%- endif %}
    {%- endfor %}
    {%- if add_generation_prompt %}
      {{- '<｜Assistant｜>' }}
    {%- endif %}
    """

  /// Gemma 1 to 3. The format knows no system turn: its text stands above the first question, as
  /// Gemma 3 has it.
  private static let gemma = """
    {{- bos_token | default('', true) }}
    {%- set ns = namespace(system='') %}
    {%- for message in messages %}
      {%- if message.role == 'system' %}
        {%- set ns.system = message.content + '\\n\\n' %}
      {%- else %}
        {%- set role = 'model' if message.role == 'assistant' else message.role %}
        {{- '<start_of_turn>' + role + '\\n' + ns.system + message.content | trim + '<end_of_turn>\\n' }}
        {%- set ns.system = '' %}
      {%- endif %}
    {%- endfor %}
    {%- if add_generation_prompt %}
      {{- '<start_of_turn>model\\n' }}
    {%- endif %}
    """

  /// The system message stands inside the first instruction.
  private static let llama2 = """
    {%- set ns = namespace(system='') %}
    {%- for message in messages %}
      {%- if message.role == 'system' %}
        {%- set ns.system = '<<SYS>>\\n' + message.content + '\\n<</SYS>>\\n\\n' %}
      {%- elif message.role == 'assistant' %}
        {{- ' ' + message.content | trim + ' ' + eos_token | default('', true) }}
      {%- else %}
        {{- bos_token | default('', true) + '[INST] ' + (ns.system + message.content) | trim + ' [/INST]' }}
        {%- set ns.system = '' %}
      {%- endif %}
    {%- endfor %}
    """

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

  /// Mistral Instruct v0.3 and its relatives with a SentencePiece tokenizer; the system message stands
  /// inside the first instruction.
  private static let mistral = """
    {{- bos_token | default('', true) }}
    {%- set ns = namespace(system='') %}
    {%- for message in messages %}
      {%- if message.role == 'system' %}
        {%- set ns.system = message.content + '\\n\\n' %}
      {%- elif message.role == 'assistant' %}
        {{- ' ' + message.content | trim + eos_token | default('', true) }}
      {%- else %}
        {{- '[INST] ' + ns.system + message.content + '[/INST]' }}
        {%- set ns.system = '' %}
      {%- endif %}
    {%- endfor %}
    """

  /// Phi-3 and 3.5; what is not a prompt ends with the end-of-sequence token.
  private static let phi3 = """
    {%- for message in messages %}
      {{- '<|' + message.role + '|>\\n' + message.content + '<|end|>\\n' }}
    {%- endfor %}
    {{- '<|assistant|>\\n' if add_generation_prompt else eos_token | default('', true) }}
    """

  /// Qwen2.5 without tools: ChatML with a system message in every conversation.
  private static let qwen = """
    {%- if messages[0].role != 'system' %}
      {{- '<|im_start|>system\\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.' \
    '<|im_end|>\\n' }}
    {%- endif %}
    \(chatML)
    """

  /// Vicuna 1.1, with the system message that its models were trained with where a row has none.
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
      {%- else %}
        {{- 'USER: ' + message.content + ' ' }}
      {%- endif %}
    {%- endfor %}
    {%- if add_generation_prompt %}
      {{- 'ASSISTANT:' }}
    {%- endif %}
    """

  private static let zephyr = """
    {%- for message in messages %}
      {{- '<|' + message.role + '|>\\n' + message.content + eos_token | default('', true) + '\\n' }}
    {%- endfor %}
    {%- if add_generation_prompt %}
      {{- '<|assistant|>\\n' }}
    {%- endif %}
    """
}
