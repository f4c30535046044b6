import Formats
import Testing
import Recipes

@Suite struct RecipeSuggestionTests {
  static let keys = ["rank", "alpha", "learning_rate", "gradient_accumulation_steps", "seed"]

  @Test(arguments: [
    ("rnak", "rank"), ("alhpa", "alpha"), ("Alpha", "alpha"), ("learningRate", "learning_rate"),
    ("learning-rate", "learning_rate"), ("lerning_rate", "learning_rate"),
    ("gradient_acumulation_step", "gradient_accumulation_steps"), ("sed", "seed"),
  ])
  func slipsAreForgiven(word: String, meant: String) {
    #expect(nearest(to: word, among: Self.keys) == meant)
  }

  @Test(arguments: ["banana", "", "x", "warmup", "rate"])
  func otherWordsAreNot(word: String) {
    #expect(nearest(to: word, among: Self.keys) == nil)
  }
}
