/**
 * Texts that are larger than a datagram: they are cut in parts, and put together again.
 *
 * The receiver is in charge: it gets the first parts unasked, and asks for the next ones when those have come. So the buffer of
 * its socket is never filled by one text, and a part that was lost is asked for by itself.
 */
import type { Collected } from "../model/Talk.ts"
import { maxPartBytes, partsAtOnce } from "../model/TalkMessages.ts"
import * as Pieces from "../wire/Pieces.ts"

/** The parts of a text, at least one. */
export const cut = (text: string): ReadonlyArray<string> => Pieces.cut(text, maxPartBytes)

/** The bytes of a text in UTF-8. */
export const bytes = (text: string): number => ascii.test(text) ? text.length : encoder.encode(text).length

const ascii = /^[ -~]*$/
const encoder = new TextEncoder()

/** Into how many parts a text of so many bytes may be cut: of each four bytes at most twelve are made. */
export const atMost = (bytes: number): number => Math.ceil(3 * bytes / (maxPartBytes - 6)) + 1

/** Nothing has come yet of a text of so many parts. */
export const nothing = (of: number): Collected => ({
  of,
  parts: Array.from({ length: of }, () => undefined),
  missing: of,
  upTo: Math.min(of, partsAtOnce) - 1
})

/** With a part. One that is there already, or that the text does not have, changes nothing. */
export const add = (collected: Collected, part: number, of: number, text: string): Collected =>
  of !== collected.of || part >= of || collected.parts[part] !== undefined
    ? collected
    : { ...collected, parts: collected.parts.with(part, text), missing: collected.missing - 1 }

/** The text, if all of it is there; otherwise null. */
export const whole = ({ missing, parts }: Collected): string | null => missing === 0 ? parts.join("") : null

/** The next parts to ask for. */
export const missing = ({ parts }: Collected): ReadonlyArray<number> => {
  const all: Array<number> = []
  for (let part = 0; part < parts.length && all.length < partsAtOnce; part++) {
    if (parts[part] === undefined) all.push(part)
  }
  return all
}

/** Whether with this part the last of those has come that were asked for last. */
export const isLastAsked = ({ upTo }: Collected, part: number): boolean => part === upTo

/** Those were asked for. */
export const asked = (collected: Collected, parts: ReadonlyArray<number>): Collected => ({
  ...collected,
  upTo: parts.at(-1)!
})

/** The fields of one part in its message. */
export const fields = (
  parts: ReadonlyArray<string>,
  part: number
): { readonly part?: number; readonly of?: number; readonly text: string } => ({
  ...part === 0 ? {} : { part },
  ...parts.length === 1 ? {} : { of: parts.length },
  text: parts[part]!
})

/** The parts that are sent unasked. */
export const first = (parts: ReadonlyArray<string>): ReadonlyArray<number> =>
  Array.from({ length: Math.min(parts.length, partsAtOnce) }, (_, part) => part)
