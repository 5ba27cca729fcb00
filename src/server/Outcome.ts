/** What came of a question, as its asker reads it. */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Member from "../protocol/model/Member.ts"
import type * as Question from "../protocol/model/Question.ts"
import { reasonOf } from "./Handlers.ts"
import * as TalkError from "./TalkError.ts"

/** What came of a question: `by` is who was asked, null if nobody was; `text` the JSON that belongs to the outcome. */
export interface Outcome {
  readonly by: Member.NodeId | null
  readonly outcome: string
  readonly text: string
}

/** This server has left the group. */
export const closed: Outcome = { by: null, outcome: "Closed", text: "null" }

/** The response, or why there is none. */
export const read = <Request, Response, Error>(
  { by, outcome, text }: Outcome,
  { error, name: question, response }: Question.Question<Request, Response, Error>
): Effect.Effect<Response, Error | TalkError.AskError> => {
  const asked = { question, member: by ?? "" }
  switch (outcome) {
    case "Done":
      return decoded(text, response, asked)
    case "Failed":
      return Effect.flatMap(decoded(text, error, asked), Effect.fail)
    case "Silent":
      return Effect.fail(new TalkError.NoAnswer({ question, member: by, reason: "silent" }))
    case "Gone":
      return Effect.fail(new TalkError.NoAnswer({ question, member: by, reason: "gone" }))
    case "Closed":
      return Effect.fail(new TalkError.NoAnswer({ question, member: by, reason: "closed" }))
    case "Busy":
      return Effect.fail(new TalkError.Busy({ question, member: by, here: false }))
    case "BusyHere":
      return Effect.fail(new TalkError.Busy({ question, member: by, here: true }))
    case "NoHandler":
      return Effect.fail(new TalkError.NoHandler(asked))
    case "NotLeading":
      return Effect.fail(new TalkError.NotLeading(asked))
    case "AnswerTooLarge":
      return Effect.fail(new TalkError.AnswerTooLarge(asked))
    case "HandlerDied":
      return Effect.fail(new TalkError.HandlerDied(asked))
    default:
      return Effect.fail(new TalkError.NotUnderstood({ ...asked, side: "request", reason: `${outcome} ${text}` }))
  }
}

const decoded = <A>(
  text: string,
  schema: Schema.Codec<A, Schema.Json>,
  asked: { readonly question: string; readonly member: string }
): Effect.Effect<A, TalkError.NotUnderstood> =>
  Effect.flatMap(
    Effect.try({ try: () => JSON.parse(text) as unknown, catch: String }),
    Schema.decodeUnknownEffect(schema)
  ).pipe(
    Effect.catchCause((cause: Cause.Cause<unknown>) =>
      Effect.fail(new TalkError.NotUnderstood({ ...asked, side: "answer", reason: reasonOf(cause) }))
    )
  )
