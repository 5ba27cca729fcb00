/**
 * How findings are made and worded.
 */
import { formatAddress } from "../protocol/Member.ts"
import type { Finding, Kind } from "./Finding.ts"
import type { Interface, Server } from "./Observations.ts"

/** A finding that keeps servers from finding each other, or from being one group. */
export const problem = (finding: Kind, about: ReadonlyArray<string>, says: string, what: string): Finding => ({
  finding,
  severity: "problem",
  about,
  says,
  do: what
})

/** A finding that is worth knowing. */
export const note = (finding: Kind, about: ReadonlyArray<string>, says: string, what: string): Finding => ({
  ...problem(finding, about, says, what),
  severity: "note"
})

/** Names in a sentence: `a`, `a and b`, `a, b and c`; of many, the first few and how many more. */
export const all = (texts: ReadonlyArray<string>): string => {
  const shown = texts.length > 6 ? [...texts.slice(0, 5), `${texts.length - 5} more`] : texts
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`
}

/** The word for one, or for several. */
export const one = (texts: ReadonlyArray<unknown>, single: string, several: string): string =>
  texts.length === 1 ? single : several

/** A server in a sentence. */
export const server = ({ ip, name, port }: Server): string => `${name} (${formatAddress({ ip, port })})`

/** An interface in a sentence. */
export const interfaceName = ({ address, name }: Interface) => `${name} (${address})`
