/** A group as `watch` sees it over the network, as an observing. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Asked from "../client/Asked.ts"
import * as Observation from "../client/Observation.ts"
import * as Observing from "../client/Observing.ts"
import * as MulticastGroup from "../settings/MulticastGroup.ts"
import type * as Settings from "../settings/Settings.ts"
import * as Model from "../status/terminal/Model.ts"
import * as Observed from "../status/terminal/Observed.ts"
import * as Text from "../status/Text.ts"
import type { Change } from "./screen.ts"

/** How long, in ms, the first answer may take before it is told that there is none. */
const firstAnswer = 2_000

/** Somebody looks on: where nothing is heard, it is asked that often at least. */
const soon = Duration.seconds(1)

/** Observes until the scope closes. `update` is given each change, `refresh` is what is newly known at any instant. */
export const make = Effect.fnUntraced(function*(settings: Settings.Settings, update: (change: Change) => void) {
  const { group, multicast, multicastAddress, port } = settings
  const where = multicast ? `observed on ${MulticastGroup.format(multicastAddress)}:${port}` : "observed by seeds"
  const often = { ...settings, heartbeatInterval: Duration.min(settings.heartbeatInterval, soon) }
  const observing = yield* Observing.make(often, (events, observation, before) => {
    const news = Observation.news(events, before)
    if (news.length === 0) return
    update((model) =>
      news.reduce((after, event) => Model.happened(after, event, Observed.describe(event, observation)), model)
    )
  }, { inHurry: true })
  const began = observing.now().monotonic
  const refresh = Effect.sync((): Change => {
    const [observation, now] = [observing.observation(), observing.now()]
    const { answeredBy, heardAt } = observation
    const isLate = now.monotonic - began > firstAnswer
    // What is heard before the first list is a part of the group.
    if (heardAt === -Infinity || (answeredBy === null && !isLate)) {
      return (model) => Model.stale(Model.passed(model, now.wall), isLate ? Asked.nobody(observing.asked) : null)
    }
    const seen = Observed.of(observation, now, { group, where })
    const since = Observed.quietSince(observation, now)
    return (model) => {
      const current = Model.saw(model, seen)
      return since === null ? current : Model.stale(current, `nothing is heard of the group since ${Text.clock(since)}`)
    }
  })
  return { refresh, failed: observing.supervisor.failed }
})
