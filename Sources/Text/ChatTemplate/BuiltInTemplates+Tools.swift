/// Formats that have a place for tools, for calls to them and for what they answered.
extension BuiltInTemplates {
  /// DeepSeek V3, and V2.5 without tools: system messages stand in front of all turns. The format does
  /// not describe tools. Calls and results are those of its update of May 2025; before that, a
  /// conversation with calls in two places came out damaged.
  static let deepSeek = """
    {{- bos_token | default('', true) }}
    {{- messages | selectattr('role', 'equalto', 'system') | map(attribute='content') | join('\\n\\n') }}
    {%- set ns = namespace(results=false) %}
    {%- for message in messages %}
      {%- if message.role == 'user' %}
        {{- '<｜User｜>' + message.content }}
        {%- set ns.results = false %}
      {%- elif message.role == 'tool' %}
        {{- '\\n' if ns.results else '<｜tool▁outputs▁begin｜>' }}
        {{- '<｜tool▁output▁begin｜>' + message.content + '<｜tool▁output▁end｜>' }}
        {%- set ns.results = true %}
      {%- elif message.role == 'assistant' %}
        {{- ('<｜tool▁outputs▁end｜>' if ns.results else '<｜Assistant｜>') + message.content }}
        {%- set ns.results = false %}
        {%- for call in message.tool_calls | default([], true) %}
          {{- '<｜tool▁calls▁begin｜>' if loop.first else '\\n' }}
          {{- '<｜tool▁call▁begin｜>' + call.type | default('function') + '<｜tool▁sep｜>' }}
          {{- call.function.name + '\\n```json\\n' }}
          \(arguments)
          {{- '\\n```<｜tool▁call▁end｜>' + ('<｜tool▁calls▁end｜>' if loop.last else '') }}
        {%- endfor %}
        {{- eos_token | default('', true) }}
      {%- endif %}
    {%- endfor %}
    {%- if ns.results %}
      {{- '<｜tool▁outputs▁end｜>' }}
    {%- elif add_generation_prompt %}
      {{- '<｜Assistant｜>' }}
    {%- endif %}
    """

  /// Llama 3.1 Instruct, and 3.2 and 3.3 with a fixed date: a system turn in every conversation, tools
  /// in the first question, one call a turn.
  static let llama31 = """
    {{- bos_token | default('', true) + '<|start_header_id|>system<|end_header_id|>\\n\\n' }}
    {{- 'Environment: ipython\\n' if tools else '' }}
    {{- 'Cutting Knowledge Date: December 2023\\n' }}
    {{- 'Today Date: ' + date_string | default('26 Jul 2024') + '\\n\\n' }}
    {%- set turns = messages[1:] if messages[0].role == 'system' else messages %}
    {{- messages[0].content | trim if messages[0].role == 'system' else '' }}
    {{- '<|eot_id|>' }}
    {%- for message in turns %}
      {%- set role = 'ipython' if message.role == 'tool' else message.role %}
      {%- set role = 'user' if loop.first and tools else role %}
      {{- '<|start_header_id|>' + role + '<|end_header_id|>\\n\\n' }}
      {%- if loop.first and tools %}
        {{- 'Given the following functions, please respond with a JSON for a function call with its ' \
    'proper arguments that best answers the given prompt.\\n\\nRespond in the format {"name": function ' \
    'name, "parameters": dictionary of argument name and its value}.Do not use variables.\\n\\n' }}
        {%- for tool in tools %}
          {{- tool | tojson(indent=4) + '\\n\\n' }}
        {%- endfor %}
        {{- message.content | trim }}
      {%- elif message.tool_calls %}
        {%- if message.tool_calls | length > 1 %}
          {{- raise_exception('the format of Llama 3.1 has one call a turn') }}
        {%- endif %}
        {%- set call = message.tool_calls[0] %}
        {{- '{"name": "' + call.function.name + '", "parameters": ' }}
        \(arguments)
        {{- '}' }}
      {%- else %}
        {{- message.content | tojson if role == 'ipython' else message.content | trim }}
      {%- endif %}
      {{- '<|eot_id|>' }}
    {%- endfor %}
    {%- if add_generation_prompt %}
      {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
    {%- endif %}
    """

  /// Mistral 7B Instruct v0.3, and others with the third version of Mistral's format and a SentencePiece
  /// tokenizer: system message and tools stand at the last question. Where an answer follows that
  /// question, the model's own template loses the system message; mistral-common and this do not. An id
  /// is written if the row has one.
  static let mistral = """
    {{- bos_token | default('', true) }}
    {%- set ns = namespace(system='', last=-1) %}
    {%- for message in messages %}
      {%- if message.role == 'system' %}
        {%- set ns.system = ns.system + message.content + '\\n\\n' %}
      {%- elif message.role == 'user' %}
        {%- set ns.last = loop.index0 %}
      {%- endif %}
    {%- endfor %}
    {%- for message in messages %}
      {%- if message.role == 'user' %}
        {%- set isLast = loop.index0 == ns.last %}
        {%- if isLast and tools %}
          {{- '[AVAILABLE_TOOLS] [' }}
          {%- for tool in tools %}
            {{- '{"type": "function", "function": {' }}
            {%- for key, value in tool.function.items() if key != 'return' %}
              {{- '"' + key + '": ' }}
              {{- '"' + value + '"' if value is string else value | tojson }}
              {{- '' if loop.last else ', ' }}
            {%- endfor %}
            {{- '}}' + ('' if loop.last else ', ') }}
          {%- endfor %}
          {{- '][/AVAILABLE_TOOLS]' }}
        {%- endif %}
        {{- '[INST] ' + (ns.system if isLast else '') + message.content + '[/INST]' }}
      {%- elif message.role == 'tool' %}
        {{- '[TOOL_RESULTS] {"content": ' + message.content }}
        {{- ', "call_id": "' + message.tool_call_id + '"' if message.tool_call_id is defined else '' }}
        {{- '}[/TOOL_RESULTS]' }}
      {%- elif message.tool_calls %}
        {{- '[TOOL_CALLS] [' }}
        {%- for call in message.tool_calls %}
          {%- set made = call.function | tojson %}
          {{- made[:-1] }}
          {{- ', "id": "' + call.id + '"' if call.id is defined else '' }}
          {{- '}' if loop.last else '}, ' }}
        {%- endfor %}
        {{- ']' + eos_token | default('', true) }}
      {%- elif message.role == 'assistant' %}
        {{- ' ' + message.content | trim + eos_token | default('', true) }}
      {%- endif %}
    {%- endfor %}
    """

  /// Qwen2.5 Instruct: a system turn in every conversation.
  static let qwen = """
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].role == 'system' %}
      {{- messages[0].content }}
    {%- else %}
      {{- 'You are Qwen, created by Alibaba Cloud. You are a helpful assistant.' }}
    {%- endif %}
    {%- if tools %}
      {{- '\\n\\n' }}
      \(toolsInTags)
    {%- endif %}
    {{- '<|im_end|>\\n' }}
    {%- for message in messages %}
      {%- if message.role == 'user' or message.role == 'system' and not loop.first %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
      {%- elif message.role == 'assistant' %}
        {{- '<|im_start|>assistant' }}
        {{- '\\n' + message.content if message.content or not message.tool_calls else '' }}
        {%- for call in message.tool_calls | default([], true) %}
          {{- '\\n' }}
          \(callInTags)
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
      {%- elif message.role == 'tool' %}
        \(resultInTags)
      {%- endif %}
    {%- endfor %}
    {%- if add_generation_prompt %}
      {{- '<|im_start|>assistant\\n' }}
    {%- endif %}
    """

  /// Qwen3 of April 2025, which thinks unless `enable_thinking` is false: only what was thought since the
  /// last question is shown.
  static let qwen3 = """
    {%- if tools or messages[0].role == 'system' %}
      {{- '<|im_start|>system\\n' }}
      {{- messages[0].content if messages[0].role == 'system' else '' }}
      {{- '\\n\\n' if tools and messages[0].role == 'system' else '' }}
      {%- if tools %}
        \(toolsInTags)
      {%- endif %}
      {{- '<|im_end|>\\n' }}
    {%- endif %}
    {%- set ns = namespace(asked=messages | length - 1) %}
    {%- for message in messages %}
      {%- set isResult = message.content.startswith('<tool_response>') and \
    message.content.endswith('</tool_response>') %}
      {%- if message.role == 'user' and not isResult %}
        {%- set ns.asked = loop.index0 %}
      {%- endif %}
    {%- endfor %}
    {%- for message in messages %}
      {%- if message.role == 'user' or message.role == 'system' and not loop.first %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
      {%- elif message.role == 'assistant' %}
        {%- set content = message.content %}
        {%- set thought = '' %}
        {%- if message.reasoning_content is string %}
          {%- set thought = message.reasoning_content %}
        {%- elif '</think>' in content %}
          {%- set before = content.split('</think>')[0].rstrip('\\n') %}
          {%- set thought = before.split('<think>')[-1].lstrip('\\n') %}
          {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {{- '<|im_start|>assistant\\n' }}
        {%- if loop.index0 > ns.asked and (loop.last or thought) %}
          {{- '<think>\\n' + thought.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
        {%- else %}
          {{- content }}
        {%- endif %}
        {%- for call in message.tool_calls | default([], true) %}
          {{- '\\n' if content or not loop.first else '' }}
          \(callInTags)
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
      {%- elif message.role == 'tool' %}
        \(resultInTags)
      {%- endif %}
    {%- endfor %}
    {%- if add_generation_prompt %}
      {{- '<|im_start|>assistant\\n' }}
      {{- '<think>\\n\\n</think>\\n\\n' if enable_thinking is defined and enable_thinking is false else '' }}
    {%- endif %}
    """

  // MARK: - Parts

  /// The arguments of `call`, which a row may hold as JSON or as its text.
  private static let arguments = """
    {{- call.function.arguments if call.function.arguments is string \
    else call.function.arguments | tojson }}
    """

  /// What Hermes and Qwen say about tools, from the first word to the last.
  private static let toolsInTags = """
    {{- '# Tools\\n\\nYou may call one or more functions to assist with the user query.\\n\\nYou are ' \
    'provided with function signatures within <tools></tools> XML tags:\\n<tools>' }}
    {%- for tool in tools %}
      {{- '\\n' + tool | tojson }}
    {%- endfor %}
    {{- '\\n</tools>\\n\\nFor each function call, return a json object with function name and ' \
    'arguments within <tool_call></tool_call> XML tags:\\n<tool_call>\\n{"name": <function-name>, ' \
    '"arguments": <args-json-object>}\\n</tool_call>' }}
    """

  private static let callInTags = """
    {{- '<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' }}
    \(arguments)
    {{- '}\\n</tool_call>' }}
    """

  /// Results that follow each other are one turn of the user.
  private static let resultInTags = """
    {{- '<|im_start|>user' if loop.first or loop.previtem.role != 'tool' else '' }}
    {{- '\\n<tool_response>\\n' + message.content + '\\n</tool_response>' }}
    {{- '<|im_end|>\\n' if loop.last or loop.nextitem.role != 'tool' else '' }}
    """
}
