/** The values in a registry: JSON, of which later versions may say more. */
import * as Schema from "effect/Schema"
import * as Member from "../protocol/model/Member.ts"
import * as Reign from "../protocol/model/Reign.ts"

/** Who leads, and why the lead changed as far as it knows. */
export const Lead = Schema.Struct({ term: Reign.Term, leader: Reign.Leader, cause: Schema.String })

/** Who leads, and why the lead changed as far as it knows. */
export type Lead = typeof Lead.Type

/** Why the reign of that term ended, by the word of its leader, and who goes first then. */
export const Handover = Schema.Struct({
  term: Reign.Term,
  cause: Schema.String,
  successor: Schema.NullOr(Member.NodeId)
})

/** Why the reign of that term ended, by the word of its leader, and who goes first then. */
export type Handover = typeof Handover.Type

/** A server that takes part. `stands`: it takes the lead where nobody has it. `preempts`: also from one that it outranks. */
export const Candidate = Schema.Struct({ stands: Schema.Boolean, preempts: Schema.Boolean })

/** A server that takes part. */
export type Candidate = typeof Candidate.Type

/** The newest run of a job that has begun, and that is done. Of runs up to `since` nothing is known. Unix ms. */
export const Mark = Schema.Struct({ begun: Schema.Natural, done: Schema.Natural, since: Schema.Natural })

/** The newest run of a job. */
export type Mark = typeof Mark.Type

/** One value by what it is of. */
export interface Values {
  readonly Member: Member.Member
  readonly Leader: Lead
  readonly Term: number
  readonly Handover: Handover
  readonly Candidate: Candidate
  readonly Job: Mark
}

const codecs: { readonly [K in keyof Values]: Schema.Codec<Values[K], string> } = {
  Member: Schema.fromJsonString(Member.Member),
  Leader: Schema.fromJsonString(Lead),
  Term: Schema.fromJsonString(Reign.Term),
  Handover: Schema.fromJsonString(Handover),
  Candidate: Schema.fromJsonString(Candidate),
  Job: Schema.fromJsonString(Mark)
}

const decoders = Object.fromEntries(
  Object.entries(codecs).map(([tag, codec]) => [tag, Schema.decodeOption(codec as Schema.Codec<unknown, string>)])
)
const encoders = Object.fromEntries(
  Object.entries(codecs).map(([tag, codec]) => [tag, Schema.encodeSync(codec as Schema.Codec<unknown, string>)])
)

/** Reads a value; null where it is none of that kind. */
export const read = <K extends keyof Values>(tag: K, text: string): Values[K] | null => {
  const found = decoders[tag]!(text)
  return found._tag === "Some" ? found.value as Values[K] : null
}

const written = new WeakMap<object, string>()

/** Writes a value. What was written before is not written anew: a server compares what it says of itself in each step. */
export const write = <K extends keyof Values>(tag: K, value: Values[K]): string => {
  if (typeof value !== "object") return encoders[tag]!(value)
  const text = written.get(value) ?? encoders[tag]!(value)
  written.set(value, text)
  return text
}
