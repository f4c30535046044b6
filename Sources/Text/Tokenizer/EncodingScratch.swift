/// Memory that encoding needs and keeps between calls: the word cache, the symbols of the word
/// being merged, the regular expressions' match data.
///
/// `@unchecked Sendable` because a `Tokenizer` hands each of them to one call at a time.
final class EncodingScratch: @unchecked Sendable {
  let words = WordCache()
  let symbols = SymbolBuffer()
  let matching = MatchScratch()
  let paths = BestPaths()
}
