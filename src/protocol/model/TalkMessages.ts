/** The messages of members that talk: what is said on a topic, questions, answers, and the parts that did not come. */
import * as Schema from "effect/Schema"
import * as Client from "./Client.ts"
import * as Member from "./Member.ts"
import { Cause, kind, start } from "./MessageFields.ts"
import * as Topic from "./Topic.ts"

/** The largest body of what is said on a topic, in bytes of JSON: with it the longest `TALK` fits one datagram. */
export const maxBodyBytes = 900

/** What a part of a question or an answer takes at most in its datagram, in bytes of JSON. */
export const maxPartBytes = 800

/** The most parts of a question or an answer: enough for the largest `maxMessageBytes`, with any text. */
export const maxParts = 4_096

/**
 * How many parts are sent at once, and asked for at once: with what the system adds to each, so many fit half of the buffer
 * that Linux gives a socket by default (208 KiB).
 */
export const partsAtOnce = 32

const Part = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: maxParts - 1 }))

const parts = {
  part: Schema.optionalKey(Part),
  of: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxParts }))),
  text: Schema.String.check(
    Schema.makeFilter((text: string) => Member.jsonBytes(text) <= maxPartBytes, {
      expected: `at most ${maxPartBytes} bytes of text`
    })
  )
}

/** None carries the full header: none is a sign of life. */
export const kinds = [
  /** This is message `seq` of that start of a server. With `to`: said to that member alone. */
  kind("TALK", {
    from: start,
    seq: Client.Seq,
    to: Schema.optionalKey(Member.NodeId),
    topic: Topic.TopicName,
    body: Schema.Json
  }),
  /**
   * A question of a name, to one start of a server. `oldest` is the lowest `seq` of the asker's questions to it that is not
   * over. `lead`: to be answered by the leader alone. `again`: it was said before. `text` is the JSON of the request, or part
   * `part` of `of` parts of it; left out, these are 0 and 1.
   */
  kind("QUESTION", {
    from: start,
    to: start,
    seq: Client.Seq,
    oldest: Client.Seq,
    question: Topic.TopicName,
    lead: Schema.optionalKey(Schema.Literal(true)),
    again: Schema.optionalKey(Schema.Literal(true)),
    ...parts
  }),
  /** The answer to the question `seq` of `to`: what came of it, with what belongs to that as JSON. */
  kind("ANSWER", { from: start, to: start, seq: Client.Seq, outcome: Cause, ...parts }),
  /** These parts of that question, or of its answer, have not come: send them. */
  kind("PARTS_ASK", {
    from: start,
    to: start,
    seq: Client.Seq,
    what: Schema.Literals(["question", "answer"]),
    missing: Schema.Array(Part).check(Schema.isMinLength(1), Schema.isMaxLength(partsAtOnce))
  })
] as const
