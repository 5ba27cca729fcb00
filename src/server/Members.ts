/**
 * The service by which members talk to each other: said to all or to one, published through the leader in one order, or
 * asked and answered. `Group` says who is there.
 *
 * | operation   | who gets it                | how often       | in which order                  | a failover                     |
 * | ----------- | -------------------------- | --------------- | ------------------------------- | ------------------------------ |
 * | `broadcast` | each other member, and us  | at most once    | any                             | changes nothing                |
 * | `sendTo`    | that member                | at most once    | any                             | changes nothing                |
 * | `publish`   | each server and client     | once            | a publisher's in its order      | it is sent to the next leader  |
 * | `ask`       | that member, or the leader | handled at most once by one start | any           | the asker may ask the next one |
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type * as Client from "../protocol/model/Client.ts"
import type * as Member from "../protocol/model/Member.ts"
import type * as Topic from "../protocol/model/Topic.ts"

/**
 * A message on a topic. `from` is the member that said it, this server itself too; or of a published one, the client.
 *
 * @category models
 * @since 0.1.0
 */
export type Heard<A> =
  | { readonly by: "broadcast" | "sendTo"; readonly from: Member.Member; readonly body: A }
  | { readonly by: "publish"; readonly from: Client.Client; readonly seq: number; readonly body: A }

/**
 * The operations of the service `Members`.
 *
 * @category models
 * @since 0.1.0
 */
export interface MembersShape {
  /** Says something to all members, this server included. It fits one datagram or is refused; nobody acknowledges it. */
  readonly broadcast: <A>(topic: Topic.Topic<A>, body: A) => Effect.Effect<void, Refused>
  /** Says something to one member; see {@link broadcast}. */
  readonly sendTo: <A>(to: Member.NodeId, topic: Topic.Topic<A>, body: A) => Effect.Effect<void, Refused>
  /** What is said on a topic from now on; each run has a subscription of its own. */
  readonly messages: <A>(topic: Topic.Topic<A>) => Stream.Stream<Heard<A>>
  /** Subscribes at once: what comes before the stream is run waits for it. */
  readonly subscribe: <A>(topic: Topic.Topic<A>) => Effect.Effect<Stream.Stream<Heard<A>>, never, Scope.Scope>
}

/**
 * The way to the members of the one group of an app.
 *
 * @category services
 * @since 0.1.0
 */
export class Members extends Context.Service<Members, MembersShape>()("bellwether/server/Members") {}

type Refused = never
export type Within = Duration.Input
