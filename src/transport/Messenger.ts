/**
 * Typed messages over an endpoint: frames them, drops what is none and counts why, and answers nobody too often.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Frame from "../protocol/Frame.ts"
import type { Address } from "../protocol/Member.ts"
import type * as Message from "../protocol/Message.ts"
import type * as Datagrams from "./Datagrams.ts"
import * as RateLimit from "./RateLimit.ts"

/**
 * A message that does not fit one datagram. Nothing was sent. The limits on what people may set keep the program's own
 * messages small enough, so only a message made by hand meets this.
 *
 * @category errors
 * @since 0.1.0
 */
export class MessageTooLarge extends Schema.TaggedError<MessageTooLarge>()("MessageTooLarge", {
  type: Schema.String,
  field: Schema.String,
  fieldBytes: Schema.Natural,
  bytes: Schema.Natural,
  limit: Schema.Natural
}) {
  override get message() {
    return `${this.type} takes ${this.bytes} bytes, ${this.limit} are allowed; its largest field is ${this.field} with ${this.fieldBytes}`
  }
}

/**
 * A message that arrived.
 *
 * @category models
 * @since 0.1.0
 */
export interface Received {
  readonly message: Message.Message
  readonly from: Address
  readonly via: "multicast" | "unicast"
}

/**
 * Why a datagram went no further, in or out: it was no frame of ours, it could not be sent, it was one answer too many to
 * one address (`TooManyAnswers`), or its receiver is on no network of ours (`NotDirect`).
 *
 * @category models
 * @since 0.1.0
 */
export type DropReason = Frame.Refused | "TooManyAnswers" | "NotDirect" | "SendFailed"

/**
 * One member's way to speak and to listen.
 *
 * @category models
 * @since 0.1.0
 */
export interface Messenger {
  /** Sends to one address, or to the group (null). What the network refuses fails; what may not be said is counted only. */
  readonly send: (
    to: Address | null,
    message: Message.Message
  ) => Effect.Effect<void, Datagrams.DatagramsFailed | MessageTooLarge>
  /**
   * Sends to one address and waits a moment, some 50 ms at most, for its host to say that nobody listens there. `refused`
   * is strong evidence and no proof; `sent` proves nothing. Each call opens a socket: not for the packet path.
   */
  readonly ask: (
    to: Address,
    message: Message.Message
  ) => Effect.Effect<"sent" | "refused", Datagrams.DatagramsFailed | MessageTooLarge>
  /** Waits for the next messages, and takes all that are there in order of arrival. May be empty. */
  readonly receive: Effect.Effect<ReadonlyArray<Received>>
}

/** What is sent because somebody asked: a forged question must not make us send much to who never did. */
const isAnswer = (type: Message.Message["type"]): boolean => type === "SERVER_RESPONSE" || type === "MEMBERS"

/**
 * Speaks as a member of one group over an endpoint. `onDrop` is called for each datagram dropped; it must not block.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(
  endpoint: Datagrams.Endpoint,
  tag: Uint8Array,
  onDrop: (reason: DropReason) => void
): Effect.fn.Return<Messenger> {
  const clock = yield* Clock.Clock
  const limit = RateLimit.make({ perSecond: 100, burst: 100, addresses: 1_024 })
  const mayAnswer = (to: Address, type: Message.Message["type"]): boolean => {
    if (!endpoint.isDirect(to.ip)) {
      onDrop("NotDirect")
      return false
    }
    if (isAnswer(type) && !limit(to.ip, Number(clock.monotonicTimeNanosUnsafe()) / 1e6)) {
      onDrop("TooManyAnswers")
      return false
    }
    return true
  }
  const encode = (message: Message.Message) =>
    Effect.fromResult(Result.mapError(Frame.encode(message, tag), ({ _tag, ...sizes }) => new MessageTooLarge(sizes)))
  return {
    send: (to, message) =>
      Effect.flatMap(encode(message), (frame) => {
        if (to === null) return endpoint.multicast(frame)
        return mayAnswer(to, message.type) ? endpoint.unicast(to, frame) : Effect.void
      }),
    ask: (to, message) =>
      Effect.flatMap(
        encode(message),
        (frame) => mayAnswer(to, message.type) ? endpoint.ask(to, frame) : Effect.succeed("sent" as const)
      ),
    receive: Effect.map(endpoint.receive, (datagrams) => {
      const messages: Array<Received> = []
      for (const { from, payload, via } of datagrams) {
        const message = Frame.decode(payload, tag)
        if (Result.isFailure(message)) onDrop(message.failure)
        else messages.push({ message: message.success, from, via })
      }
      return messages
    })
  }
})
