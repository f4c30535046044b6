import Formats

/// Chat formats in wide use, for models that bring no template of their own.
enum BuiltInTemplates {
  static var names: [String] { sources.map(\.name) }

  static func template(named name: String) throws(Problem) -> ChatTemplate? {
    guard let entry = sources.first(where: { $0.name == name }) else { return nil }
    return try ChatTemplate(
      source: entry.source, name: "template \"\(name)\"", requiredTokens: entry.tokens)
  }

  /// `tokens` are those that the format is pointless without: a model that does not know them as one
  /// token would read them as plain text and never learn where a turn ends.
  private static let sources: [(name: String, tokens: [String], source: String)] = [
    ("alpaca", [], alpaca),
    ("chatml", ["<|im_start|>", "<|im_end|>"], chatML),
    ("llama2", [], llama2),
    ("llama3", ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"], llama3),
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

  /// The system message stands inside the first instruction.
  private static let llama2 = """
    {%- set ns = namespace(system='') %}
    {%- for message in messages %}
      {%- if message.role == 'system' %}
        {%- set ns.system = '<<SYS>>\\n' + message.content + '\\n<</SYS>>\\n\\n' %}
      {%- elif message.role == 'assistant' %}
        {{- ' ' + message.content + ' ' + eos_token | default('', true) }}
      {%- else %}
        {{- bos_token | default('', true) + '[INST] ' + ns.system + message.content + ' [/INST]' }}
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

  private static let vicuna = """
    {{- bos_token | default('', true) }}
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
