import Formats
import Testing

@testable import Rows

@Suite struct RowPolicyTests {
  @Test func defaultsDropDamageAndRepetitions() throws {
    let policy = RowPolicy()
    for kind in RowFindingKind.allCases {
      let expected: RowAction =
        switch kind {
        case .unreadableFile: .fail
        case .untrainedToken: .keep
        case .duplicate: .drop
        default: kind.severity == .damage ? .drop : .keep
        }
      #expect(policy.action(for: kind) == expected, "\(kind)")
    }
  }

  /// A row that was refused is damage, whatever its kind is otherwise.
  @Test func theSeverityOfTheFindingCounts() throws {
    #expect(RowPolicy().action(for: .emptyQuestion, .damage) == .drop)
    #expect(try RowPolicy(["doubt=fail"]).action(for: .emptyQuestion, .damage) == .drop)
    #expect(try RowPolicy(["damage=fail"]).action(for: .emptyQuestion, .damage) == .fail)
  }

  @Test func aKindCountsMoreThanASeverityAndThatMoreThanAll() throws {
    for rules in [
      ["all=drop", "doubt=fix", "email=keep"], ["email=keep", "doubt=fix", "all=drop"],
    ] {
      let policy = try RowPolicy(rules)
      #expect(policy.action(for: .email) == .keep)
      #expect(policy.action(for: .phone) == .fix)
      // There is no repair for it.
      #expect(policy.action(for: .openFence) == .drop)
      #expect(policy.action(for: .refusal) == .drop)
    }
    #expect(try RowPolicy(["email=drop", "email=fix"]).action(for: .email) == .fix)
    // What is no JSON cannot be kept.
    #expect(try RowPolicy(["all=keep"]).action(for: .malformedRow) == .drop)
    #expect(try RowPolicy(["all=keep"]).action(for: .emptyAnswer) == .keep)
  }

  @Test func redactionFixes() throws {
    var policy = try RowPolicy(["all=keep"])
    policy.fix(try Redaction.kinds("card,ip"))
    #expect(policy.action(for: .cardNumber) == .fix && policy.action(for: .ipAddress) == .fix)
    #expect(policy.action(for: .email) == .keep)
    #expect(try Redaction.kinds("all").count == 6)
    #expect(throws: Problem.self) { try Redaction.kinds("email,name") }
  }

  @Test(arguments: [
    ("mojibake", "expected KIND=fail|drop|fix|keep"), ("mojibake=repair", "expected KIND="),
    ("mojibak=fix", "did you mean \"mojibake\"?"),
    ("open-fence=fix", "expected one of: fail, drop, keep; there is a repair for repeated-key"),
    ("malformed-row=keep", "expected one of: fail, drop"),
    ("dominant-answer=drop", "expected one of: fail, keep"),
    ("a=b=c", "expected KIND="),
  ])
  func wrongRulesAreSentences(rule: String, sentence: String) {
    #expect {
      try RowPolicy([rule, "email=fix"])
    } throws: { error in
      let problem = error as? Problem
      return problem?.kind == .input && problem?.description.hasPrefix("--on: 1 problem") == true
        && problem?.description.contains(sentence) == true
    }
  }

  @Test func allWrongRulesAreToldAtOnce() {
    #expect {
      try RowPolicy(["x=drop", "email=fix", "open-fence=fix"])
    } throws: {
      ($0 as? Problem)?.sentences.count == 3
    }
  }
}
