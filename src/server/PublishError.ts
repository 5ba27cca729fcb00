/**
 * Why a message is not sent, of a client or of a server that publishes.
 *
 * @since 0.1.0
 */
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"

/**
 * A body that takes more bytes of JSON than a message may. Nothing was sent.
 *
 * @category errors
 * @since 0.1.0
 */
export class BodyTooLarge extends Schema.TaggedError<BodyTooLarge>()("BodyTooLarge", {
  bytes: Schema.Natural,
  limit: Schema.Natural
}) {
  override readonly [Runtime.errorExitCode] = 2
  override get message() {
    return `the body takes ${this.bytes} bytes of JSON, ${this.limit} are allowed`
  }
}

/**
 * A body that JSON has no words for: a function, a number that is not finite, a circle. Nothing was sent.
 *
 * @category errors
 * @since 0.1.0
 */
export class BodyNotJson extends Schema.TaggedError<BodyNotJson>()("BodyNotJson", {
  reason: Schema.String
}) {
  override readonly [Runtime.errorExitCode] = 2
  override get message() {
    return `the body is not JSON: ${this.reason}`
  }
}

/**
 * Some of the servers or clients are too old for topics, and for messages above 512 bytes: they would read what was published as
 * something else. `members` are the names of three of them at most, or the address of the leader if it is one of them. It was not
 * relayed under the leader of now; if the leader has changed meanwhile, a former one may have relayed it.
 *
 * @category errors
 * @since 0.1.0
 */
export class OlderReaders extends Schema.TaggedError<OlderReaders>()("OlderReaders", {
  members: Schema.Array(Schema.String)
}) {
  override get message() {
    return `not sent: ${this.members.join(", ")} ${
      this.members.length === 1 ? "is" : "are"
    } too old for topics and for messages above 512 bytes; update all servers and clients of the group`
  }
}

/**
 * So many messages wait already that one more is not taken. Nothing was sent: wait for some to be acknowledged.
 *
 * @category errors
 * @since 0.1.0
 */
export class QueueFull extends Schema.TaggedError<QueueFull>()("QueueFull", {
  waiting: Schema.Natural,
  limit: Schema.Natural
}) {
  override get message() {
    return `${this.waiting} messages wait to be sent, ${this.limit} is the most: wait until some are acknowledged`
  }
}

/**
 * No leader acknowledged the message in time (`NoLeader`), or the server has left its group (`Left`). `within` is how many ms were
 * waited at most. `mayArrive`: the message has gone out and may still be relayed; otherwise it was taken back.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotPublished extends Schema.TaggedError<NotPublished>()("NotPublished", {
  reason: Schema.Literals(["NoLeader", "Left"]),
  within: Schema.Natural,
  mayArrive: Schema.Boolean
}) {
  override get message() {
    return this.reason === "Left"
      ? "this server has left its group"
      : `no leader acknowledged the message within ${this.within} ms; ${
        this.mayArrive ? "it may still be relayed" : "it was taken back"
      }`
  }
}

/**
 * Why a server's message was not acknowledged.
 *
 * @category errors
 * @since 0.1.0
 */
export type PublishError = BodyTooLarge | BodyNotJson | OlderReaders | QueueFull | NotPublished
