/**
 * Names that people type: of a group, a server, a tag, an election. Two names that look alike must be alike, so a name has
 * no invisible characters, and neither begins nor ends with a blank or quote that a file of settings may add.
 */

// Default ignorables are what fonts leave out, such as U+200B and U+3164; U+2800 is drawn as a blank.
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/u
const allUnseen = new RegExp(unseen, "gu")
// Of an env file: Docker and systemd differ in whether they take the quotes off.
const quotes = "\"'`\u00ab\u00bb\u2018-\u201f"
const atEnds = new RegExp(`^[ ${quotes}]|[ ${quotes}]$`, "u")
const combining = /\p{M}/gu

/** The allowed names, for refusals. */
export const allowed = "no blank or quote at either end, nothing invisible"

/**
 * Whether a text, which may be empty, looks like no other: it has no invisible characters, no blanks but inner spaces, no
 * blank or quote at either end, and is composed (Unicode's NFC).
 */
export const isPlain = (text: string): boolean =>
  !unseen.test(text) && !atEnds.test(text) && text.normalize("NFC") === text

/** Where the first character is that nobody sees; -1 where there is none. */
export const firstUnseen = (text: string): number => text.search(unseen)

const escape = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, unit) => `\\u${character.charCodeAt(unit).toString(16).padStart(4, "0")}`
  ).join("")

/**
 * A text with each character escaped that nobody sees, as in JSON. Of a text that is not composed, combining marks too.
 */
export const escaped = (text: string): string => {
  const shown = text.replaceAll(allUnseen, escape)
  return text.normalize("NFC") === text ? shown : shown.replaceAll(combining, escape)
}

/** The same in quotes: a JSON text. */
export const quoted = (text: string): string => escaped(JSON.stringify(text))
