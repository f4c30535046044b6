import Formats
import Testing
import Recipes
import Rows
import Tensors
import Text

/// The smallest recipe: only what has no default.
let minimalRecipe = """
  {"model": {"path": "base"}, "data": {"train": [{"path": "rows.json", "format": "alpaca"}]},
   "output": {"directory": "out"}}
  """

func recipe(_ text: String = minimalRecipe, _ overrides: [String] = []) throws -> Recipe {
  try Recipe(json: try JSONParser.parse(text), source: "r.json", overrides: overrides)
}

/// The sentences of the problem that reading `text` throws.
func problems(_ text: String = minimalRecipe, _ overrides: [String] = []) -> [String] {
  do {
    _ = try recipe(text, overrides)
    return []
  } catch let problem as Problem {
    return problem.sentences
  } catch {
    return ["\(error)"]
  }
}

@Suite struct RecipeTests {
  @Test func everyKeyHasItsDefault() throws {
    let recipe = try recipe()
    #expect(recipe.model.path == "base")
    #expect(recipe.model.computeDtype == .bfloat16)
    #expect(recipe.model.quantization == nil)
    #expect(recipe.adapter.rank == 8)
    #expect(recipe.adapter.targetModules == .allLinear)
    #expect(recipe.data.overlong == .drop)
    #expect(recipe.data.train.map(\.path) == ["rows.json"])
    #expect(recipe.training.learningRate == 2e-4)
    #expect(recipe.training.maxSteps == nil)
    #expect(recipe.evaluation.interval == 50)
    #expect(recipe.checkpoint.keep == 3)
  }

  /// A new key, or one that is gone, changes what users may write: a reviewed act.
  @Test func theKeysAreThese() throws {
    let keys = try #require(try recipe().json.object).members.flatMap { section, keys in
      (keys.object?.keys ?? []).map { "\(section).\($0)" }
    }
    #expect(
      keys == [
        "model.path", "model.compute_dtype", "model.quantization", "model.double_quantization",
        "adapter.type", "adapter.rank", "adapter.alpha", "adapter.dropout",
        "adapter.target_modules", "adapter.use_rslora", "adapter.init_from",
        "data.train", "data.validation", "data.validation_fraction", "data.template",
        "data.template_variables", "data.max_length", "data.overlong", "data.train_on",
        "data.train_end_of_turn", "data.parse_tool_arguments", "data.packing", "data.shuffle",
        "data.cache", "data.cache_directory",
        "training.epochs", "training.max_steps", "training.micro_batch_size",
        "training.gradient_accumulation_steps", "training.shared_prefix",
        "training.learning_rate", "training.lr_scheduler",
        "training.warmup_ratio", "training.weight_decay", "training.adam_beta1",
        "training.adam_beta2", "training.adam_epsilon", "training.max_grad_norm",
        "training.gradient_checkpointing", "training.seed", "training.threads",
        "evaluation.every_steps", "checkpoint.every_steps", "checkpoint.keep", "output.directory",
      ])
  }

  @Test func templateVariablesAreAnyJSON() throws {
    let set = "data.template_variables={\"z\": [1, null], \"enable_thinking\": false}"
    let first = try recipe(minimalRecipe, [set])
    let variables = first.json["data"]?["template_variables"]
    #expect(variables?.text() == "{\"enable_thinking\":false,\"z\":[1,null]}")
    let again = try Recipe(json: try JSONParser.parse(first.json.text()), source: "r")
    #expect(again.data.templateVariables == first.data.templateVariables)
    #expect(first.conflicts(withSaved: again).isEmpty)
    #expect(first.conflicts(withSaved: try recipe()).count == 1)
    #expect(try recipe().data.templateChoice == "auto")
  }

  @Test(arguments: [
    ("[]", "data.template_variables: found a list, expected an object such as"),
    ("{\"tools\": []}", "data.template_variables.tools: found a variable that every"),
    ("{\"pad_token\": 1}", "data.template_variables.pad_token: found a variable that every"),
    ("{\"a b\": 1}", "data.template_variables.a b: found a name that no variable can have"),
    ("{\"a\": 1, \"a\": 2}", "data.template_variables.a: found twice"),
  ])
  func wrongTemplateVariablesAreNamed(value: String, sentence: String) throws {
    let found = problems(minimalRecipe, ["data.template_variables=\(value)"])
    #expect(found.contains { $0.contains("--set \(sentence)") }, "\(found)")
  }

  @Test func theResolvedRecipeReadsBackAsItself() throws {
    let first = try recipe(
      minimalRecipe,
      [
        "model.quantization=nf4", "adapter.target_modules=[\"q_proj\",\"v_proj\"]",
        "training.learning_rate=1e-05", "training.max_steps=7", "evaluation.every_steps=null",
      ])
    let second = try Recipe(json: try JSONParser.parse(first.json.text(.indented)), source: "r")
    #expect(second.json == first.json)
    #expect(second.adapter.targetModules == .named(["q_proj", "v_proj"]))
    #expect(second.training.learningRate == 1e-5)
    #expect(second.evaluation.interval == nil)
  }

  @Test func aCopyIsAValue() throws {
    let first = try recipe()
    var second = first
    second.training.seed = 7
    second.data.train[0].path = "other.json"
    #expect(first.training.seed == 42)
    #expect(first.data.train[0].path == "rows.json")
  }

  @Test func everyMissingKeyIsNamed() {
    #expect(
      problems("{}") == [
        "r.json: 3 problems",
        "  model.path: missing, expected a string",
        "  data.train: missing, expected a list such as [{\"path\": \"rows.jsonl\"}]",
        "  output.directory: missing, expected a string",
      ])
  }

  @Test func allProblemsAreReportedTogether() {
    let text = """
      {"model": {"path": "base", "quantization": "nf5"},
       "adaptor": {"rank": 4},
       "adapter": {"alhpa": 16, "rank": 0, "epochs": 2},
       "data": {"train": [{"path": "rows.json", "format": "alpaca", "fromat": 1}]},
       "training": {"epochs": "three", "seed": "7", "learningRate": 1e-4, "adam_beta1": 1.0},
       "output": {"directory": "out"}}
      """
    #expect(
      problems(text)
        == [
          "r.json: 9 problems",
          "  model.quantization: found \"nf5\", expected \"nf4\" or null; did you mean \"nf4\"?",
          "  adaptor: unknown section; did you mean \"adapter\"?",
          "  adapter.alhpa: unknown key; did you mean \"alpha\"?",
          "  adapter.rank: found 0, expected a whole number from 1 to 4096",
          "  adapter.epochs: unknown key; did you mean \"training.epochs\"?",
          "  data.train[0].fromat: unknown key; did you mean \"format\"?",
          "  training.epochs: found a string, expected a whole number from 1 to 10000",
          "  training.seed: found a string, expected a whole number of at least 0; write 7 without "
            + "quotes",
          "  training.learningRate: unknown key; did you mean \"learning_rate\"?",
          "  training.adam_beta1: found 1.0, expected a number of at least 0 and below 1",
        ].enumerated().map { $0 == 0 ? "r.json: 10 problems" : $1 })
  }

  @Test(arguments: [
    ("lora_r", "adapter.rank"), ("per_device_train_batch_size", "training.micro_batch_size"),
    ("chat_template_kwargs", "data.template_variables"),
    ("sequence_len", "data.max_length"), ("lr", "training.learning_rate"),
    ("rank", "adapter.rank"), ("output_dir", "output.directory"),
  ])
  func namesOfOtherToolsAreUnderstood(word: String, ours: String) {
    let text = minimalRecipe.replacing(
      "{\"model\"", with: "{\"\(word)\": 1, \"model\"", maxReplacements: 1)
    #expect(problems(text) == ["r.json: \(word): unknown section; did you mean \"\(ours)\"?"])
  }

  @Test(arguments: [
    ("adapter.rank=1.5", "adapter.rank: found 1.5, expected a whole number from 1 to 4096"),
    ("adapter.rank=true", "adapter.rank: found true, expected a whole number from 1 to 4096"),
    ("adapter.dropout=1", "adapter.dropout: found 1, expected a number from 0 to 0.99"),
    (
      "training.learning_rate=0",
      "training.learning_rate: found 0, expected a number above 0 and up to 1"
    ),
    (
      "training.max_steps=0",
      "training.max_steps: found 0, expected a whole number from 1 to 1000000000 or null"
    ),
    ("data.packing=yes", "data.packing: found a string, expected true or false"),
    (
      "data.overlong=dorp",
      "data.overlong: found \"dorp\", expected \"drop\", \"error\" or \"truncate\"; did you mean \"drop\"?"
    ),
    (
      "data.train=[]",
      "data.train: found an empty value, expected a list such as [{\"path\": \"rows.jsonl\"}]"
    ),
    (
      "data.train=[1]",
      "data.train[0]: found a number, expected an object such as {\"path\": \"rows.jsonl\"}"
    ),
    ("output.directory=", "output.directory: found an empty value, expected a string"),
    (
      "adapter.target_modules=q_proj",
      "adapter.target_modules: found \"q_proj\", expected \"all-linear\" or a list of layer names such as [\"q_proj\", \"v_proj\"]"
    ),
    (
      "adapter.target_modules=[\"a\",\"a\"]",
      "adapter.target_modules[1]: found \"a\" twice, expected once; remove one"
    ),
    (
      "model.compute_dtype=float16",
      "model.compute_dtype: found \"float16\", expected \"float32\" or \"bfloat16\"; did you mean \"bfloat16\"?"
    ),
    ("training.epohcs=3", "training.epohcs: unknown key; did you mean \"epochs\"?"),
    ("training.rank=3", "training.rank: unknown key; did you mean \"adapter.rank\"?"),
  ])
  func wrongOverridesAreMarked(override: String, sentence: String) {
    #expect(problems(minimalRecipe, [override]) == ["r.json: --set \(sentence)"])
  }

  @Test(arguments: [
    (#""format": "messages", "prompt": "Sum up {a}""#, "data.train[0].prompt: found a text beside"),
    (
      #""format": "text", "roles": {"bot": "assistant"}"#, "data.train[0].roles: found names beside"
    ),
    (#""fields": {"outptu": "a"}"#, "did you mean \"output\"?"),
    (#""weight": 2, "samples": 5"#, "data.train[0].samples: found 5 as well as a weight of 2"),
  ])
  func aSourceMustFitItself(keys: String, sentence: String) {
    let found = problems(minimalRecipe, [#"data.train=[{"path": "r.jsonl", \#(keys)}]"#])
    #expect(found.count == 1 && found[0].contains(sentence), "\(found)")
  }

  @Test(arguments: [
    ("rank=4", "; did you mean \"adapter.rank\"?"), ("adapter.rank", ""), ("a.b.c=1", ""),
    ("=", ""),
  ])
  func overridesNeedTheirForm(override: String, suggestion: String) {
    let found = problems(minimalRecipe, [override])
    #expect(
      found.first?.hasPrefix(
        "r.json: --set \(override): expected section.key=value, for example adapter.rank=16")
        == true)
    #expect(found.first?.hasSuffix(suggestion) == true)
  }

  @Test func overridesWinOverTheFile() throws {
    let recipe = try recipe(
      minimalRecipe,
      [
        "output.directory=2026", "model.path=a=b", "training.seed=1", "training.seed=2",
        "model.quantization=null",
      ])
    #expect(recipe.output.directory == "2026")
    #expect(recipe.model.path == "a=b")
    #expect(recipe.training.seed == 2)
    #expect(recipe.model.quantization == nil)
  }

  @Test func keysGivenTwiceAreNotSilentlyMerged() {
    let text = minimalRecipe.replacing(
      "\"path\": \"base\"", with: "\"path\": \"base\", \"path\": \"other\"")
    #expect(
      problems(text) == ["r.json: model.path: found twice, expected once; remove one of them"])
  }

  @Test func heldOutRowsAreNotTrainedOn() {
    #expect(
      problems(minimalRecipe, ["data.validation=[{\"path\":\"rows.json\",\"format\":\"alpaca\"}]"])
        .first?.contains("which is in data.train too") == true)
    #expect(
      problems(
        minimalRecipe,
        [
          "data.validation=[{\"path\":\"v.json\",\"format\":\"alpaca\"}]",
          "data.validation_fraction=0.1",
        ]
      ).first?.contains("expected only one of them") == true)
  }

  @Test func theSchemaMemberOfEditorsIsAllowed() {
    let text = minimalRecipe.replacing(
      "{\"model\"", with: "{\"$schema\": \"x\", \"model\"", maxReplacements: 1)
    #expect(problems(text) == [])
  }

  @Test func aResumedRunKeepsItsRecipe() throws {
    let saved = try recipe()
    let harmless = try recipe(minimalRecipe, ["training.threads=2", "checkpoint.keep=9"])
    #expect(harmless.conflicts(withSaved: saved) == [])
    let other = try recipe(minimalRecipe, ["training.seed=43", "adapter.rank=4"])
    #expect(
      other.conflicts(withSaved: saved) == [
        "adapter.rank: found 4, expected 8, which the run began with; a resumed run keeps it",
        "training.seed: found 43, expected 42, which the run began with; a resumed run keeps it",
      ])
  }
}
