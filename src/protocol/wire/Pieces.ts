/** Texts that one datagram has no room for are cut in pieces. */

/**
 * The pieces of a text, at least one: each takes at most so many bytes as JSON in UTF-8, without its quotes, and none ends within a
 * character.
 */
export const cut = (text: string, room: number): ReadonlyArray<string> => {
  // Nothing takes more than six bytes.
  if (text.length * 6 <= room) return [text]
  const pieces: Array<string> = []
  let from = 0
  let bytes = 0
  for (let at = 0; at < text.length;) {
    const code = text.codePointAt(at)!
    const more = bytesOf(code)
    if (bytes + more > room) {
      pieces.push(text.slice(from, at))
      from = at
      bytes = 0
    }
    bytes += more
    at += code > 0xffff ? 2 : 1
  }
  pieces.push(text.slice(from))
  return pieces
}

/** What a character takes as JSON. Half of a pair without the other is written as an escape. */
const bytesOf = (code: number): number => {
  if (code < 0x20 || (code >= 0xd800 && code <= 0xdfff)) return 6
  if (code === 0x22 || code === 0x5c) return 2
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code > 0xffff ? 4 : 3
}
