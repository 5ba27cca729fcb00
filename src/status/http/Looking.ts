/** What the API answers who looks: the status, the past, the events and the messages as they come. */
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import * as Group from "../../server/Group.ts"
import * as Publishing from "../../server/Publishing.ts"
import * as Settings from "../../settings/Settings.ts"
import * as History from "../History.ts"
import * as Exposition from "../metrics/Exposition.ts"
import { version } from "../Version.ts"
import * as Contract from "./Contract.ts"
import * as Streams from "./Streams.ts"

/** How many streams one server serves at a time. */
export const maxStreams = 256

/** The settings as texts; of a secret it is said that there is one. */
const texts = ({ backend, settings }: Group.GroupShape): Record<string, string> =>
  Object.fromEntries(backend.settings.map((key) => [key, Settings.format(key, settings[key] as never)]))

/** The past of a group, from the oldest event that it still has to the newest. */
const remembered = Effect.fnUntraced(function*(group: Group.GroupShape) {
  const history = yield* Ref.make(History.empty)
  const { events } = yield* group.subscribeAfter(0)
  yield* Effect.forkScoped(
    Stream.runForEach(events, (event) => Ref.update(history, (before) => History.add(before, event)))
  )
  return history
})

/** The handlers of the contract's group `group`. */
export const layer = HttpApiBuilder.group(
  Contract.Api,
  "group",
  Effect.fnUntraced(function*(handlers) {
    const group = yield* Group.Group
    const history = yield* remembered(group)
    const metrics = yield* Exposition.make(group)
    const slots = Streams.makeSlots(maxStreams)
    const settings = texts(group)
    const sends = Option.isSome(yield* Effect.serviceOption(Publishing.Publishing))
    return handlers
      .handle("status", () =>
        Effect.zipWith(group.status, group.dropped, ({ sequence, ...status }, dropped) => ({
          ...status,
          group: group.settings.group,
          version,
          sequence: Streams.numberOf(status.self.incarnation, sequence),
          settings,
          backend: group.backend.name,
          sends,
          dropped
        })))
      .handle("history", () => Ref.get(history))
      .handle("metrics", () => metrics.text)
      .handle("events", ({ headers, query }) => {
        const only = query.event === undefined
          ? null
          : new Set(typeof query.event === "string" ? [query.event] : query.event)
        return Effect.as(slots.take, Streams.events(group, { only, after: headers["last-event-id"] ?? query.after }))
      })
      .handle("traffic", () =>
        Effect.as(
          slots.take,
          Stream.merge(
            Stream.map(group.traffic, (data) => ({ event: data.type, data })),
            Streams.alive,
            { haltStrategy: "left" }
          )
        ))
  })
)
