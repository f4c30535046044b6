import TestSupport
import Testing

@testable import Rows

@Suite struct PersonalDataTests {
  private func found(_ find: PersonalData.Search, _ text: String) -> String? {
    let bytes = Array(text.utf8)
    return find(bytes, 0).map { String(decoding: bytes[$0], as: UTF8.self) }
  }

  @Test(
    arguments: [
      ("mail anna.k+x@post.ferry-line.no.", "anna.k+x@post.ferry-line.no"),
      ("<bo@fjord.io>", "bo@fjord.io"), ("a@example.com", nil), ("git@github.com:x/y", nil),
      ("@app.route('/x')", nil), ("a@b", nil), ("logo@2x.png", nil), ("https://u:p@host.org/", nil),
      ("user@1.2.3", nil), ("x @ y.com", nil), ("me@ferry.test", nil),
    ] as [(String, String?)])
  func emailAddresses(text: String, expected: String?) {
    #expect(found(EmailAddress.first, text) == expected)
  }

  @Test(
    arguments: [
      ("call +49 (30) 901820-15 now", "+49 (30) 901820-15"), ("(415) 734-2190", "(415) 734-2190"),
      ("415-734-2190.", "415-734-2190"), ("415.734.2190", "415.734.2190"),
      ("Tel.: 030 901 820", "030 901 820"), ("phone 22 85 50 50", "22 85 50 50"),
      ("(415) 555-0100", nil), ("2024-03-17 12:30", nil), ("1,415,734,219", nil),
      ("x+123456789", nil),
      ("192.168.100.1000", nil), ("978-0-306-40615-7", nil), ("a + 1234567890", nil),
      ("phone booths 2 and 3", nil), ("115-734-2190", nil), ("+12", nil), ("12-415-734-2190", nil),
    ] as [(String, String?)])
  func telephoneNumbers(text: String, expected: String?) {
    #expect(found(PhoneNumber.first, text) == expected)
  }

  @Test(
    arguments: [
      ("4539 1488 0343 6467", "4539 1488 0343 6467"),
      ("card 5425233430109903.", "5425233430109903"),
      ("3714-496353-98431", "3714-496353-98431"), ("4539 1488 0343 6468", nil),
      ("1234567890123452", nil), ("0x4539148803436467", nil), ("4539148803436467.5", nil),
      ("4444444444444448", nil), ("id_4539148803436467", nil), ("45391488034364670", nil),
    ] as [(String, String?)])
  func cardNumbers(text: String, expected: String?) {
    #expect(found(CardNumber.first, text) == expected)
  }

  @Test(
    arguments: [
      ("GB82 WEST 1234 5698 7654 32", "GB82 WEST 1234 5698 7654 32"),
      ("to DE89370400440532013000,", "DE89370400440532013000"),
      ("GB82 WEST 1234 5698 7654 33", nil),
      ("DE8937040044053201300", nil), ("XX89370400440532013000", nil),
      ("ADE89370400440532013000", nil),
    ] as [(String, String?)])
  func bankAccounts(text: String, expected: String?) {
    #expect(found(BankAccount.first, text) == expected)
  }

  @Test(
    arguments: [
      ("from 81.23.190.44:80", "81.23.190.44"),
      ("10.1.2.3 127.0.0.1 192.168.1.20 172.20.0.40", nil),
      ("1.2.3.4", nil), ("version 81.23.190.44", nil), ("81.23.190.444", nil),
      ("81.23.190.44.5", nil),
      ("v81.23.190.44", nil), ("203.0.113.77", nil), ("81.23.190.04", nil),
    ] as [(String, String?)])
  func networkAddresses(text: String, expected: String?) {
    #expect(found(NetworkAddress.first, text) == expected)
  }

  @Test(arguments: [
    ("AKIAIOSFODNN7EXAMPLQ", true), ("-----BEGIN PRIVATE KEY-----", true),
    ("sk-proj-4fG7kLm2QwErTyUiOpAsDfGhJkLzXcVb", true),
    ("sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", false),
    ("task-force-alpha-is-here-and-there-too", false), ("AKIA", false),
  ])
  func secrets(text: String, isSecret: Bool) {
    #expect((found(Secret.first, text) != nil) == isSecret)
  }

  /// One wrong digit, and two neighbours exchanged (but for 0 and 9), are always noticed.
  @Test func luhnNoticesSlips() {
    var random = SplitMix64(seed: 5)
    for _ in 0..<200 {
      var digits = (0..<15).map { _ in UInt8.random(in: 0...9, using: &random) } + [0]
      while !CardNumber.passesLuhn(digits) { digits[15] += 1 }
      #expect(digits[15] <= 9)
      let place = Int.random(in: 0..<16, using: &random)
      var wrong = digits
      wrong[place] = (digits[place] + UInt8.random(in: 1...9, using: &random)) % 10
      #expect(!CardNumber.passesLuhn(wrong))
      let first = Int.random(in: 0..<15, using: &random)
      let pair = Set([digits[first], digits[first + 1]])
      guard pair.count == 2, pair != [0, 9] else { continue }
      var exchanged = digits
      exchanged.swapAt(first, first + 1)
      #expect(!CardNumber.passesLuhn(exchanged))
    }
  }

  /// Check digits are 98 less the remainder with zeros in their place; any other pair is wrong.
  @Test func ibanChecksAreModulo97() {
    var random = SplitMix64(seed: 6)
    for _ in 0..<100 {
      let account = (0..<18).map { _ in UInt8.random(in: 0x30...0x39, using: &random) }
      func number(_ check: Int) -> [UInt8] {
        Array("DE\(check < 10 ? "0" : "")\(check)".utf8) + account
      }
      let check = 98 - BankAccount.remainder(number(0))
      let right = (2...98).filter { BankAccount.remainder(number($0)) == 1 }
      #expect(right == [check])
    }
  }
}
