/** What happens to the servers of a simulated group: how each starts, stops, is killed, is paused and goes on. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as SimulatedNetwork from "../SimulatedNetwork.ts"
import type { State } from "../SimulatedServer.ts"
import * as Servers from "./servers.ts"
import * as Start from "./start.ts"
import * as Waiting from "./waiting.ts"

const down: ReadonlyArray<State> = ["killed", "stopped"]

/** Begins to start a server. Until it has started it cannot be started again. */
const startLater = Effect.fnUntraced(function*(servers: Servers.Servers, index: number) {
  const server = yield* Servers.at(servers, index, down)
  if (server.starting !== undefined) return yield* Effect.die(new Error(`server ${index} is starting already`))
  const ended = Effect.sync(() => {
    server.starting = undefined
  })
  const fiber = yield* Effect.forkDetach(Effect.ensuring(Start.begin(servers, server), ended), {
    startImmediately: true
  })
  if (fiber.pollUnsafe() === undefined) server.starting = fiber
  return fiber
})

const start = Effect.fnUntraced(function*(servers: Servers.Servers, index: number) {
  const starting = yield* startLater(servers, index)
  yield* Waiting.passUntil(servers, `server ${index} starts`, () => starting.pollUnsafe() !== undefined)
  return yield* Fiber.join(starting)
})

const add = Effect.fnUntraced(function*(servers: Servers.Servers) {
  const { all, options: { clocks } } = servers
  const { index } = yield* Servers.create(servers, clocks?.(all.length))
  yield* start(servers, index)
  return index
})

const kill = Effect.fnUntraced(function*(servers: Servers.Servers, index: number) {
  const server = yield* Servers.at(servers, index, ["running", "paused", "suspended"])
  yield* server.host.killEndpoints
  yield* Servers.newest(server).ownProcess.kill
  // The machine itself goes on.
  if (server.state === "paused") yield* server.host.resume()
  if (server.state === "suspended") yield* server.host.wake()
  server.state = "killed"
})

const stop = Effect.fnUntraced(function*(servers: Servers.Servers, index: number) {
  const server = yield* Servers.at(servers, index, ["running"])
  const ending = Servers.newest(server)
  const closing = yield* Effect.forkDetach(Start.close(ending), { startImmediately: true })
  server.state = "stopped"
  yield* Waiting.passUntil(servers, `server ${index} stops`, () => closing.pollUnsafe() !== undefined)
  server.buried = server.buried.filter((start) => start !== ending)
})

const restart = Effect.fnUntraced(function*(servers: Servers.Servers, index: number) {
  const { state } = yield* Servers.at(servers, index)
  if (!down.includes(state)) yield* kill(servers, index)
  // An incarnation is a millisecond of the wall clock.
  yield* Waiting.advance(servers, 1)
  yield* start(servers, index)
})

const setBack = Effect.fnUntraced(function*(servers: Servers.Servers, index: number, by: number, isNoticed: boolean) {
  const server = yield* Servers.at(servers, index)
  const { clock } = server.host
  const found = server.state === "running" ? server.snapshots?.setBack(clock.monotonicMillis() - by) : undefined
  if (found === undefined) return null
  yield* clock.setBack(clock.monotonicMillis() - found.at)
  if (isNoticed) server.generation += 1
  return found.state
})

/** The verbs that act on a server. */
export const verbs = (servers: Servers.Servers) => {
  const change = (
    index: number,
    [from, to]: readonly [State, State],
    verb: (host: SimulatedNetwork.Host) => Effect.Effect<void>
  ) =>
    Effect.flatMap(Servers.at(servers, index, [from]), (server) => {
      server.state = to
      return verb(server.host)
    })
  return {
    add: add(servers),
    start: (index: number) => start(servers, index),
    startLater: (index: number) => startLater(servers, index),
    kill: (index: number) => kill(servers, index),
    crash: (index: number) =>
      Effect.andThen(kill(servers, index), Effect.flatMap(Servers.hostOf(servers, index), (host) => host.disconnect)),
    stop: (index: number) => stop(servers, index),
    restart: (index: number) => restart(servers, index),
    pause: (index: number) => change(index, ["running", "paused"], ({ pause }) => pause),
    resume: (index: number, first?: "datagrams" | "sleepers") =>
      change(index, ["paused", "running"], ({ resume }) => resume(first)),
    suspend: (index: number) => change(index, ["running", "suspended"], ({ suspend }) => suspend),
    wake: (index: number, first?: "datagrams" | "sleepers") =>
      change(index, ["suspended", "running"], ({ wake }) => wake(first)),
    setBack: (index: number, by: number, isNoticed: boolean) => setBack(servers, index, by, isNoticed)
  }
}
