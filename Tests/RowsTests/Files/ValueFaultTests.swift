import Formats
import Testing

@testable import Rows

@Suite struct ValueFaultTests {
  @Test(arguments: [
    (#"{"a": NaN}"#, "\"a\" is NaN, which JSON does not have; write null"),
    (#"{"a": [1, {"b": -Infinity}]}"#, "\"a[1].b\" is -Infinity"),
    (#"[Infinity]"#, "\"[0]\" is Infinity"),
    (#"{"m": [{"c": "x"}, {"c": "x\ud83d y"}]}"#, "\"m[1].c\" holds \\ud83d, half of a surrogate"),
    (#"{"a": "\udc00"}"#, "\"a\" holds \\udc00"), (#"{"\ud800": 1}"#, "holds \\ud800"),
    (
      #"{"a": 1, "id": 18446744073709551616}"#, "\"id\" is 18446744073709551616, which does not fit"
    ),
    (#"{"a": -9223372036854775809}"#, "\"a\" is -9223372036854775809"),
    (#"{"a": 3.14159265358979323846}"#, "\"a\" is 3.14159265358979323846"),
    (#"{"a": 1e-400}"#, "\"a\" is 1e-400"),
  ])
  func valuesThatWouldChangeAreFaults(line: String, sentence: String) throws {
    let read = try ReadRows("\(line)\n{\"b\": 1}\n", named: "r.jsonl")
    #expect(read.rows == [["b": 1]] && read.problem == nil)
    try #require(read.faults.count == 1)
    #expect(read.faults[0].hasPrefix("1: this row cannot be read: "), "\(read.faults)")
    #expect(read.faults[0].contains(sentence), "\(read.faults)")

    let list = try ReadRows("[{\"b\": 1},\n\(line),\n{\"b\": 2}]", named: "r.json")
    #expect(list.rows == [["b": 1], ["b": 2]] && list.problem == nil, "\(list)")
    #expect(list.faults.count == 1 && list.faults[0].hasPrefix("2: "), "\(list)")
  }

  @Test(arguments: [
    "9223372036854775807", "-9223372036854775808", "0.1", "0.69999999999999996", "1e300", "-0",
    "0.1000000000000000055511151231257827021181583404541015625", "1.50000000000000000000",
    "123456789.12345678", "0.30000001192092896", "5e-324", "0.0", "0e10", "100000000000000000000.0",
  ])
  func numbersThatAreHeldPass(number: String) throws {
    let read = try ReadRows("{\"a\": \(number)}", named: "r.jsonl")
    #expect(read.isClean && read.rows.count == 1, "\(read)")
    #expect(read.rows.first?["a"]?.number == Double(number))
  }

  @Test func wholeSurrogatePairsPass() throws {
    let read = try ReadRows(#"{"a": "\ud83d\ude00\\ud83d"}"#, named: "r.jsonl")
    #expect(read.isClean && read.rows == [["a": "😀\\ud83d"]])
  }

  @Test(arguments: ["Nan", "nan", "Infinit", "-Inf", "+Infinity", "NaNs"])
  func otherWordsAreNoJSON(word: String) throws {
    let read = try ReadRows("{\"a\": \(word)}\n", named: "r.jsonl")
    #expect(read.faults.count == 1 && read.faults[0].contains("this line is not JSON"), "\(read)")
  }

  @Test func repeatedKeysSurvive() throws {
    let read = try ReadRows(#"{"a": 1, "a": 2}"#, named: "r.jsonl")
    #expect(read.rows.first?.object?.keys == ["a", "a"])
  }
}
