/// Classes of characters as Hugging Face's tokenizers see them.
enum UnicodeClasses {
  /// Combining marks (categories Mn, Mc and Me).
  static func isMark(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark: true
    default: false
    }
  }

  static func isNonspacingMark(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.generalCategory == .nonspacingMark
  }

  /// What BERT's normalizer drops: NUL, U+FFFD, and the categories Cc, Cf, Cn and Co but for tab
  /// and line breaks.
  static func isBERTControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x9, 0xA, 0xD: return false
    case 0, 0xFFFD: return true
    default: break
    }
    switch scalar.properties.generalCategory {
    case .control, .format, .privateUse: return true
    default: return false
    }
  }
}
