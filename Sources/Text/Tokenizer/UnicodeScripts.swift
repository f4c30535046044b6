import Formats

extension Pattern {
  /// Runs of characters of one script, as the pre-tokenizer "UnicodeScripts" cuts them: hiragana,
  /// katakana and the long-vowel mark count as Han, and a space or a character without script goes
  /// with what is before it.
  convenience init(unicodeScripts: Void, place: String) throws(Problem) {
    let japanese = #"\p{sc:Han}\p{sc:Hiragana}\p{sc:Katakana}\x{30FC}"#
    let others = Self.scripts.map { "\\p{sc:\($0)}" }
    // Defined once and called: written out for each script the pattern would be too long.
    let definition = "(?(DEFINE)(?<none>[\(UnicodeTables.scriptless.pattern)]))"
    let runs =
      ["(?!(?&none))[\(japanese)](?:[\(japanese)]|(?&none))*"]
      + others.map { "(?!(?&none)|\\x{30FC})\($0)(?:(?!\\x{30FC})\($0)|(?&none))*" }
    try self.init(translated: definition + runs.joined(separator: "|"), place: place)
  }

  /// Scripts by the names of Unicode, but for the Japanese ones.
  private static let scripts = [
    "Common", "Inherited", "Latin", "Greek", "Cyrillic", "Armenian", "Hebrew", "Arabic", "Syriac",
    "Thaana", "Devanagari", "Bengali", "Gurmukhi", "Gujarati", "Oriya", "Tamil", "Telugu",
    "Kannada", "Malayalam", "Sinhala", "Thai", "Lao", "Tibetan", "Myanmar", "Georgian", "Hangul",
    "Ethiopic", "Cherokee", "Canadian_Aboriginal", "Ogham", "Runic", "Khmer", "Mongolian",
    "Bopomofo", "Yi", "Old_Italic", "Gothic", "Deseret", "Tagalog", "Hanunoo", "Buhid", "Tagbanwa",
    "Limbu", "Tai_Le", "Linear_B", "Ugaritic", "Shavian", "Osmanya", "Cypriot", "Braille",
    "Buginese", "Coptic", "New_Tai_Lue", "Glagolitic", "Tifinagh", "Syloti_Nagri", "Old_Persian",
    "Kharoshthi", "Balinese", "Cuneiform", "Phoenician", "Phags_Pa", "Nko", "Sundanese", "Lepcha",
    "Ol_Chiki", "Vai", "Saurashtra", "Kayah_Li", "Rejang", "Lycian", "Carian", "Lydian", "Cham",
    "Tai_Tham", "Tai_Viet", "Avestan", "Egyptian_Hieroglyphs", "Samaritan", "Lisu", "Bamum",
    "Javanese", "Meetei_Mayek", "Imperial_Aramaic", "Old_South_Arabian", "Inscriptional_Parthian",
    "Inscriptional_Pahlavi", "Old_Turkic", "Kaithi", "Batak", "Brahmi", "Mandaic", "Chakma",
    "Meroitic_Cursive", "Meroitic_Hieroglyphs", "Miao", "Sharada", "Sora_Sompeng", "Takri",
    "Caucasian_Albanian", "Bassa_Vah", "Duployan", "Elbasan", "Grantha", "Pahawh_Hmong", "Khojki",
    "Linear_A", "Mahajani", "Manichaean", "Mende_Kikakui", "Modi", "Mro", "Old_North_Arabian",
    "Nabataean", "Palmyrene", "Pau_Cin_Hau", "Old_Permic", "Psalter_Pahlavi", "Siddham",
    "Khudawadi", "Tirhuta", "Warang_Citi", "Ahom", "Anatolian_Hieroglyphs", "Hatran", "Multani",
    "Old_Hungarian", "SignWriting", "Adlam", "Bhaiksuki", "Marchen", "Newa", "Osage", "Tangut",
  ]
}
