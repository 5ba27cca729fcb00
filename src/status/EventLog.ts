/**
 * The events of a group in the log of an app: one line each, annotated with the group, the server, the election and the term, at a
 * level by which a normal day stays quiet.
 *
 * ```ts
 * import { EventLog } from "bellwether"
 * import * as NodeServer from "bellwether/NodeServer"
 * import * as Layer from "effect/Layer"
 *
 * export const app = EventLog.layer.pipe(Layer.provideMerge(NodeServer.layer({ group: "orders" })))
 * ```
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as LogLevel from "effect/LogLevel"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Event from "../protocol/model/Event.ts"
import * as Group from "../server/Group.ts"
import * as EventText from "./EventText.ts"

/** Changes of the lead that somebody wanted: by a start, by rank, or as a server was told to go. */
const wanted: ReadonlySet<Event.Cause> = new Set([
  "Start",
  "HigherRank",
  "Superseded",
  "Left",
  "Resigned",
  "Transferred",
  "PathChanged"
])

/**
 * At which level an event is logged. `Debug`: what happens all day, as clients come, go and send, and what the log tells anyway in
 * other words. `Info`: what happens to a group now and then. `Warn`: what an operator should look at. `Error`: what an operator must
 * mend.
 *
 * @category combinators
 * @since 0.1.0
 */
export const level = (event: Event.Event): LogLevel.Severity => {
  switch (event.event) {
    case "MessageReceived":
    case "ClientJoined":
    case "ClientLeft":
    case "Dropped":
    // Logged where they happen, with more than the event holds.
    case "OtherGroup":
    case "Unprotected":
    case "WorkFailed":
    case "FiberDied":
      return "Debug"
    case "Commanded":
      return "Warn"
    case "MemberRemoved":
      return event.reason._tag === "Left" || event.reason._tag === "Replaced" ? "Info" : "Warn"
    case "LeaderChanged":
      return wanted.has(event.cause) || event.leader !== null ? "Info" : "Warn"
    case "Stalled":
    case "Unheard":
    case "LinkMissing":
    case "WorkOverran":
    case "KeyFileRefused":
    case "KeyFileExposed":
    case "WrongKey":
    case "NoMajority":
    case "SettingsDiffer":
    case "SeedUnresolved":
    case "MessageLost":
    case "TableFull":
    case "EventsLost":
      return "Warn"
    case "DuplicateIdentity":
    case "GroupTooLarge":
      return "Error"
    default:
      return "Info"
  }
}

/** What a line is annotated with besides the group and the server. */
const annotations = (event: Event.Event): Record<string, unknown> => ({
  event: event.event,
  ...("election" in event && event.election !== "" ? { election: event.election } : {}),
  ...("term" in event && event.term !== null ? { term: event.term } : {}),
  ...("cause" in event && event.event === "LeaderChanged" ? { cause: event.cause } : {})
})

/**
 * Logs one event.
 *
 * @category combinators
 * @since 0.1.0
 */
export const log = (event: Event.Event): Effect.Effect<void> =>
  Effect.annotateLogs(Effect.logWithLevel(level(event))(EventText.describe(event)), annotations(event))

/**
 * What lines about a server are annotated with: its group and its id.
 *
 * @category combinators
 * @since 0.1.0
 */
export const annotated = (
  group: Pick<Group.GroupShape, "self" | "settings">
) =>
<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(group.self, ({ id }) => Effect.annotateLogs(effect, { group: group.settings.group, node: id }))

/**
 * Logs the events of a group, from its start where it is called while the group starts, until the scope closes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const follow = Effect.fnUntraced(function*(
  group: Group.GroupShape
): Effect.fn.Return<void, never, Scope.Scope> {
  const { events } = yield* group.subscribe
  yield* Effect.forkScoped(annotated(group)(Stream.runForEach(events, log)))
})

/**
 * The same for the one group of an app.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<never, never, Group.Group> = Layer.effectDiscard(Effect.flatMap(Group.Group, follow))
