/**
 * The events of a client: one vocabulary for the app's stream, the log and `client --json`.
 *
 * Order: events come in the order in which they happened to this client. `Joined` comes once, and no `MessageReceived`
 * before it.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Client from "./Client.ts"
import * as Event from "./Event.ts"
import * as Reign from "./Reign.ts"
import * as Topic from "./Topic.ts"

const { event } = Event

/**
 * One event, as the app's stream holds it and as one line of `client --json` spells it.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ClientEvent = Schema.Union([
  /** The leader let this client in. `client` is how others see it. `members` is how many servers it sees. */
  event("Joined", { client: Client.Client, leader: Reign.Leader, term: Reign.Term, members: Schema.Natural }),
  /**
   * A message of any client, our own included: each client's in the order of `seq`, each once. `topic` is left out where it is
   * the default one.
   */
  event("MessageReceived", {
    client: Client.Client,
    seq: Client.Seq,
    topic: Schema.optionalKey(Topic.TopicName),
    body: Schema.Json
  }),
  /** The leader has our message `seq`, and handed it on. */
  event("MessageAcknowledged", { seq: Client.Seq }),
  /** We talk to another leader, or to none (null) until we hear of one. `term` is that of the new reign, or of the last. */
  event("LeaderChanged", { leader: Schema.NullOr(Reign.Leader), term: Reign.Term }),
  /** Nobody has these messages any more. */
  event("MessageLost", Event.Lost.fields),
  /** This reader was too slow and lost so many events. */
  event("EventsLost", { count: Schema.Natural }),
  /** The last event: this client has left. */
  event("Left", {})
])

/**
 * @category models
 * @since 0.1.0
 */
export type ClientEvent = typeof ClientEvent.Type

/**
 * One event as another version may have written it: an unknown one becomes an `UnknownEvent`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const AnyEvent = Schema.Union([ClientEvent, Event.UnknownEvent])

/**
 * @category models
 * @since 0.1.0
 */
export type AnyEvent = typeof AnyEvent.Type
