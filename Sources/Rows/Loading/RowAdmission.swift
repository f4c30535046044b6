import Formats
import Text

/// A row that is learnt from.
struct AdmittedRow: Sendable {
  let tokens: StoredRow
  let trainedTokens: Int
  let fingerprint: RowFingerprint

  init(_ row: RenderedRow) { self.init(StoredRow(row)) }

  init(_ row: StoredRow) {
    tokens = row
    trainedTokens = tokens.trainedTokens
    fingerprint = tokens.fingerprint
  }
}

/// What became of one row of a file: what of it is learnt from, and what is to be told.
struct JudgedRow: Sendable {
  let place: RowPlace
  var admitted: [AdmittedRow] = []
  var verdicts: [RowVerdict] = []
  /// What is wrong where rows that are too long are an error.
  var overlong: [String] = []
  /// How many of `admitted` have an answer that no special token follows.
  var rowsWithoutEnd = 0
  var holdsControlTokens = false
  var unusedKeys: [String] = []
  /// What is wrong where no row could be read at all.
  var malformed: String?
  /// Why it cannot be learnt by itself.
  var needsComparison: String?
}

/// Decides which rows are learnt from, each for itself.
struct RowAdmission: Sendable {
  let maxLength: Int
  let overlong: Overlong
  private let controlTokens: ControlTokens

  init(renderer: Renderer, maxLength: Int, overlong: Overlong) {
    self.maxLength = maxLength
    self.overlong = overlong
    controlTokens = ControlTokens(of: renderer)
  }

  func judge(_ outcome: RowOutcome) -> JudgedRow {
    var judged = JudgedRow(place: outcome.place)
    judged.unusedKeys = outcome.unusedKeys
    judged.needsComparison = outcome.needsComparison
    if outcome.isMalformed {
      judged.malformed = outcome.fault
      return judged
    }
    if let fault = outcome.fault {
      judged.report(.dropped, fault)
    } else {
      judged.holdsControlTokens = controlTokens.areIn(outcome)
    }
    for row in outcome.rows {
      do throws(RowFault) {
        try admit(row, to: &judged)
      } catch {
        judged.report(.dropped, error.sentence)
      }
    }
    return judged
  }

  /// Takes a row, cut if it is too long and may be.
  private func admit(_ row: RenderedRow, to judged: inout JudgedRow) throws(RowFault) {
    guard row.isTrained else { throw RowFault("no token of the row is trained") }
    var row = row
    let length = row.ids.count
    if length > maxLength {
      let sentence = "\(length) tokens are more than max_length \(maxLength)"
      switch overlong {
      case .drop: throw RowFault(sentence)
      case .error: judged.overlong.append("\(judged.place): \(sentence)")
      case .truncate:
        row.truncate(to: maxLength)
        guard row.isTrained else {
          throw RowFault(sentence + ", and no trained token is left after cutting")
        }
        judged.report(.truncated, sentence)
      }
    }
    for remark in row.remarks { judged.report(.changed, remark) }
    if !row.endsTurns { judged.rowsWithoutEnd += 1 }
    judged.admitted.append(AdmittedRow(row))
  }
}

extension JudgedRow {
  fileprivate mutating func report(_ action: RowVerdict.Action, _ reason: String) {
    verdicts.append(RowVerdict(place: place, action: action, reason: reason))
  }
}
