/**
 * Why something was not said, or a question not answered.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import type { BodyTooLarge } from "./PublishError.ts"

export { BodyTooLarge } from "./PublishError.ts"

const asked = { question: Schema.String, member: Schema.String }

/**
 * A body that its own schema does not encode. Nothing was sent.
 *
 * @category errors
 * @since 0.1.0
 */
export class BodyRefused extends Schema.TaggedError<BodyRefused>()("BodyRefused", {
  name: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `what is said on ${JSON.stringify(this.name)} is not what its schema allows: ${this.reason}`
  }
}

/**
 * No member that is in view has that id. Nothing was sent.
 *
 * @category errors
 * @since 0.1.0
 */
export class NoSuchMember extends Schema.TaggedError<NoSuchMember>()("NoSuchMember", { member: Schema.String }) {
  override get message() {
    return `no member in view has the id ${this.member}`
  }
}

/**
 * No answer came. Whether the question was handled is not known, unless `member` is null: then nobody led, and nobody was
 * asked.
 *
 * - `silent`: not within the time. `gone`: the member that was asked has left, crashed or started anew. `closed`: this server
 *   has left the group.
 *
 * @category errors
 * @since 0.1.0
 */
export class NoAnswer extends Schema.TaggedError<NoAnswer>()("NoAnswer", {
  question: Schema.String,
  member: Schema.NullOr(Schema.String),
  reason: Schema.Literals(["silent", "gone", "closed"])
}) {
  override get message() {
    const question = JSON.stringify(this.question)
    if (this.member === null) {
      return `${question} was not asked: ${this.reason === "closed" ? "closed" : "nobody leads"}`
    }
    return `${this.member} did not answer ${question}: ${this.reason}; it may have handled it`
  }
}

/**
 * The member that was asked has no handler of that question. It did nothing.
 *
 * @category errors
 * @since 0.1.0
 */
export class NoHandler extends Schema.TaggedError<NoHandler>()("NoHandler", asked) {
  override get message() {
    return `${this.member} has no handler of ${JSON.stringify(this.question)}`
  }
}

/**
 * As many questions are under way as may be. `here`: of this server's own; else the member that was asked handles so many.
 * Nothing was done: ask later.
 *
 * @category errors
 * @since 0.1.0
 */
export class Busy extends Schema.TaggedError<Busy>()("Busy", {
  question: Schema.String,
  member: Schema.NullOr(Schema.String),
  here: Schema.Boolean
}) {
  override get message() {
    const question = JSON.stringify(this.question)
    return this.here
      ? `${question} was not asked: as many questions of this server are under way as may be`
      : `${this.member} did not handle ${question}: it handles as many questions as it may`
  }
}

/**
 * The leader was asked, and the member that was taken for it does not lead. It did nothing: ask again.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotLeading extends Schema.TaggedError<NotLeading>()("NotLeading", asked) {
  override get message() {
    return `${this.member} was asked ${JSON.stringify(this.question)} as the leader, and does not lead`
  }
}

/**
 * The question was handled, and its answer takes more bytes than `maxMessageBytes` of the one that answers, or of the asker.
 *
 * @category errors
 * @since 0.1.0
 */
export class AnswerTooLarge extends Schema.TaggedError<AnswerTooLarge>()("AnswerTooLarge", asked) {
  override get message() {
    return `the answer of ${this.member} to ${
      JSON.stringify(this.question)
    } takes more bytes than maxMessageBytes allows`
  }
}

/**
 * The two ends do not agree: the other could not read the request, or this one not the answer. Only with `side` `answer` was
 * it handled.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotUnderstood extends Schema.TaggedError<NotUnderstood>()("NotUnderstood", {
  ...asked,
  side: Schema.Literals(["request", "answer"]),
  reason: Schema.String
}) {
  override get message() {
    return `the ${this.side} of ${JSON.stringify(this.question)} with ${this.member} is not understood: ${this.reason}`
  }
}

/**
 * The handler died of a defect, or was interrupted as its scope closed. What it did until then is done.
 *
 * @category errors
 * @since 0.1.0
 */
export class HandlerDied extends Schema.TaggedError<HandlerDied>()("HandlerDied", asked) {
  override get message() {
    return `the handler of ${JSON.stringify(this.question)} at ${this.member} died`
  }
}

/**
 * Why something was not said on a topic.
 *
 * @category errors
 * @since 0.1.0
 */
export type SayError = BodyTooLarge | BodyRefused

/**
 * Why a question has no answer, besides the error of its handler.
 *
 * @category errors
 * @since 0.1.0
 */
export type AskError =
  | BodyTooLarge
  | BodyRefused
  | NoSuchMember
  | NoAnswer
  | NoHandler
  | Busy
  | NotLeading
  | AnswerTooLarge
  | NotUnderstood
  | HandlerDied
