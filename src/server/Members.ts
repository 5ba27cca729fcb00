/**
 * The service by which members talk to each other: said to all or to one, or asked and answered. `Group` says who is there.
 *
 * | operation   | who gets it              | how often                | in which order | a failover                    |
 * | ----------- | ------------------------ | ------------------------ | -------------- | ----------------------------- |
 * | `broadcast` | each member, this one too | at most once            | any            | changes nothing               |
 * | `sendTo`    | that member              | at most once             | any            | changes nothing               |
 * | `ask`       | that member, or the one that leads | handled at most once | any      | `NoAnswer` or `NotLeading`: ask the next one |
 *
 * What must reach everybody, once and in order, is published through the leader: `Publishing`.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type * as Member from "../protocol/model/Member.ts"
import type * as Question from "../protocol/model/Question.ts"
import type * as Topic from "../protocol/model/Topic.ts"
import type * as TalkError from "./TalkError.ts"

export * from "./TalkError.ts"

/**
 * A message on a topic. `from` is the member that said it, this server itself too.
 *
 * @category models
 * @since 0.1.0
 */
export interface Heard<A> {
  readonly by: "broadcast" | "sendTo"
  readonly from: Member.Member
  readonly body: A
}

/**
 * What one member answered to a question that all were asked; or, the last of them, the members that did not answer in time
 * (`silent`): whether these have handled it is not known.
 *
 * @category models
 * @since 0.1.0
 */
export type Answer<Response, Error> =
  | {
    readonly _tag: "Answered"
    readonly from: Member.Member
    readonly result: Result.Result<Response, Error | TalkError.AskError>
  }
  | { readonly _tag: "Silent"; readonly members: ReadonlyArray<Member.Member> }

/**
 * How long an answer is waited for: 5 seconds unless set.
 *
 * @category models
 * @since 0.1.0
 */
export interface AskOptions {
  readonly within?: Duration.Input | undefined
}

/**
 * The operations of the service `Members`.
 *
 * @category models
 * @since 0.1.0
 */
export interface MembersShape {
  /**
   * Says something to all members, this server included. At most once, in any order, and nobody acknowledges it: what a
   * network loses is lost. It is one datagram for the group, or one for each member where multicast does not reach.
   *
   * A body of more than 900 bytes of JSON is refused with `BodyTooLarge`.
   */
  readonly broadcast: <A>(topic: Topic.Topic<A>, body: A) => Effect.Effect<void, TalkError.SayError>
  /** Says something to one member, this server or another; as {@link MembersShape.broadcast}. */
  readonly sendTo: <A>(
    to: Member.NodeId,
    topic: Topic.Topic<A>,
    body: A
  ) => Effect.Effect<void, TalkError.SayError | TalkError.NoSuchMember>
  /**
   * What is said on a topic from now on; each run has a subscription of its own. It ends with the server.
   *
   * A reader that falls more than 256 messages behind loses the oldest, which `Group.counters` counts (`talk.lost`). No sender
   * and no other reader waits for it. A body that the topic's schema does not read is dropped, counted (`talk.unreadable`),
   * and told in the log once a minute.
   */
  readonly messages: <A>(topic: Topic.Topic<A>) => Stream.Stream<Heard<A>>
  /** Subscribes at once: what comes before the stream is run waits for it. */
  readonly subscribe: <A>(topic: Topic.Topic<A>) => Effect.Effect<Stream.Stream<Heard<A>>, never, Scope.Scope>
  /**
   * Asks one member, this server or another, or the one that leads the group. It fails with the error of the handler, or with
   * one of {@link AskError}.
   *
   * The question is said again after 50, 100, 200 ms and so on until it is answered, and handled at most once: by the start of
   * a server that was asked, never by a later one. Only `NoAnswer`, `HandlerDied`, `AnswerTooLarge` and `NotUnderstood` with
   * `side` `answer` leave open or say that something was done. While nobody leads, a question to the leader waits for one.
   *
   * A request and a response may take `maxMessageBytes` of JSON, 64 KiB unless set. 256 questions of this server may be under
   * way at once, and a member handles 64 at once; one more is `Busy`.
   */
  readonly ask: <Request, Response, Error>(
    to: Member.NodeId | "leader",
    question: Question.Question<Request, Response, Error>,
    request: Request,
    options?: AskOptions
  ) => Effect.Effect<Response, Error | TalkError.AskError>
  /**
   * Asks each member that is in view when the stream begins, this server too, 64 at once. Answers come as they are given; the
   * last element, always, is the list of those that did not answer.
   */
  readonly askAll: <Request, Response, Error>(
    question: Question.Question<Request, Response, Error>,
    request: Request,
    options?: AskOptions
  ) => Stream.Stream<Answer<Response, Error>, TalkError.SayError>
  /**
   * Answers a question until the scope closes. Its handler runs in up to 64 fibers at once with all questions of this server,
   * and may take its time. A second handler of one question is a defect.
   *
   * A handler that is running when the scope closes is interrupted. One that dies of a defect is logged, and its asker gets
   * `HandlerDied`; the server is not touched by it.
   */
  readonly handle: <Request, Response, Error, R>(
    question: Question.Question<Request, Response, Error>,
    handler: (request: Request, from: Member.Member) => Effect.Effect<Response, Error, R>
  ) => Effect.Effect<void, never, R | Scope.Scope>
}

/**
 * The way to the members of the one group of an app.
 *
 * @category services
 * @since 0.1.0
 */
export class Members extends Context.Service<Members, MembersShape>()("bellwether/server/Members") {}

/**
 * Answers a question for as long as the layer is there; see {@link MembersShape.handle}.
 *
 * ```ts
 * import { Members, Question } from "bellwether"
 * import * as Effect from "effect/Effect"
 * import * as Schema from "effect/Schema"
 *
 * const load = Question.make("load", { request: Schema.Null, response: Schema.Number })
 *
 * export const layer = Members.handler(load, () => Effect.sync(() => performance.now()))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const handler = <Request, Response, Error, R>(
  question: Question.Question<Request, Response, Error>,
  handler: (request: Request, from: Member.Member) => Effect.Effect<Response, Error, R>
): Layer.Layer<never, never, Members | Exclude<R, Scope.Scope>> =>
  Layer.effectDiscard(Effect.flatMap(Members, ({ handle }) => handle(question, handler)))
