/** How time passes in a simulated group: for so long, or until something is so. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as TestClock from "effect/testing/TestClock"
import * as NotSettled from "../NotSettled.ts"
import * as Observation from "./observation.ts"
import type * as Servers from "./servers.ts"

export const advance = ({ ambient }: Servers.Servers, duration: Duration.Input): Effect.Effect<void> =>
  "adjust" in ambient
    ? (ambient as TestClock.TestClock).adjust(duration)
    : ambient.sleep(Duration.fromInputUnsafe(duration))

const until = Effect.fnUntraced(function*(
  servers: Servers.Servers,
  what: string,
  predicate: Effect.Effect<boolean>,
  wait: NotSettled.Wait = {}
) {
  const { all, network, options: { seed } } = servers
  const within = Duration.toMillis(wait.within ?? Duration.minutes(1))
  const step = Duration.toMillis(wait.step ?? 10)
  const begin = yield* network.now
  for (;;) {
    const failed = all.find(({ failure }) => failure !== undefined)
    const passed = (yield* network.now) - begin
    if (failed === undefined && (yield* predicate)) return passed
    if (failed !== undefined || passed >= within) {
      return yield* new NotSettled.NotSettled({ what, within, seed, dump: yield* Observation.dump(servers) })
    }
    yield* advance(servers, Math.min(step, within - passed))
  }
})

/** Lets time pass until what must come has come. */
export const passUntil = (servers: Servers.Servers, what: string, isSo: () => boolean): Effect.Effect<number> =>
  Effect.orDie(until(servers, what, Effect.sync(isSo), { step: 1 }))

/** Lets time pass until there is a leader that is wanted; its number. */
const untilLeader = Effect.fnUntraced(function*(
  servers: Servers.Servers,
  what: string,
  leader: Effect.Effect<number | undefined>,
  wait: NotSettled.Wait
) {
  let found = -1
  const isFound = Effect.map(leader, (index) => {
    found = index ?? -1
    return index !== undefined
  })
  yield* until(servers, what, isFound, wait)
  return found
})

/** The verbs that let time pass. */
export const verbs = (servers: Servers.Servers) => ({
  advance: (duration: Duration.Input) => advance(servers, duration),
  until: (what: string, predicate: Effect.Effect<boolean>, wait?: NotSettled.Wait) =>
    until(servers, what, predicate, wait),
  awaitLeader: (wait: NotSettled.Wait = {}) =>
    untilLeader(servers, "all follow one leader", Observation.leading(servers, wait.among), wait),
  settle: (wait: NotSettled.Wait = {}) => {
    const leader = Effect.gen(function*() {
      const index = yield* Observation.leading(servers, wait.among)
      return index !== undefined && (yield* Observation.seeEachOther(servers, wait.among)) ? index : undefined
    })
    return untilLeader(servers, "all see each other and follow one leader", leader, wait)
  }
})
