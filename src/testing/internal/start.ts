/** One start of one server of a simulated group, and its end. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Closing from "../../engine/Closing.ts"
import type * as Event from "../../protocol/model/Event.ts"
import * as Step from "../../protocol/Step.ts"
import * as Server from "../../server/Server.ts"
import * as ServerEngine from "../../server/ServerEngine.ts"
import * as Datagrams from "../../transport/Datagrams.ts"
import * as Generation from "../../transport/Generation.ts"
import * as SinceBoot from "../../transport/SinceBoot.ts"
import type * as SimulatedClock from "../SimulatedClock.ts"
import { eventCapacity, type Servers, type SimulatedServer, type Start } from "./servers.ts"
import * as Snapshots from "./snapshots.ts"

/** Starts a server on its machine, and what a test lets run beside it. */
export const begin = Effect.fnUntraced(function*(servers: Servers, one: SimulatedServer) {
  const { app, settings = {} } = servers.options
  const { host, index } = one
  yield* host.connect
  // What one process has run out of, the next has.
  yield* host.setFailing("scans", false)
  yield* host.setFailing("sockets", false)
  const scope = yield* Scope.make()
  const ownProcess = yield* host.clock.process
  one.starts += 1
  const within = inProcess(servers, one, ownProcess, scope)
  const server = yield* Server.make(typeof settings === "function" ? settings(index) : settings).pipe(
    Effect.provideService(Datagrams.Datagrams, host.datagrams),
    Effect.provideService(ServerEngine.Transition, transition(servers, one)),
    within,
    Effect.onError(() => Scope.close(scope, Exit.void))
  )
  servers.names.set((yield* server.group.self).id, host.name)
  const reader = yield* Effect.forkDetach(readEvents(servers, one, server), { startImmediately: true })
  if (app !== undefined) {
    const noted = Effect.onError(app(server, index), (cause) =>
      Effect.sync(() => {
        if (!Cause.hasInterruptsOnly(cause)) one.failure = cause
      }))
    yield* within(Effect.forkScoped(noted))
  }
  one.newest = { server, host, ownProcess, scope, reader }
  one.buried.push(one.newest)
  one.state = "running"
})

export const close = ({ ownProcess, reader, scope }: Start): Effect.Effect<void> =>
  Scope.close(scope, Exit.void).pipe(
    Effect.provideService(Clock.Clock, ownProcess.clock),
    // Its events end with the server: those before that are read first.
    Effect.andThen(Fiber.await(reader)),
    Effect.asVoid
  )

/** Of one that was killed: nobody hears of it, and no time passes. */
export const bury = (start: Start): Effect.Effect<void> =>
  start.host.killEndpoints.pipe(Effect.andThen(start.ownProcess.hurry), Effect.andThen(close(start)))

/** With the chance, the clocks and the scope of this start. */
const inProcess =
  ({ options }: Servers, one: SimulatedServer, { clock }: SimulatedClock.Process, scope: Scope.Scope) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    effect.pipe(
      Random.withSeed(`${options.seed} ${one.host.name} ${one.starts}`),
      Effect.provideService(Clock.Clock, clock),
      Effect.provideService(Closing.RealClock, clock),
      Effect.provideService(Generation.Generation, () => String(one.generation)),
      Effect.provideService(SinceBoot.SinceBoot, () => ({ sinceBoot: one.host.clock.sinceBoot(), doubted: 0 })),
      Scope.provide(scope)
    )

/** What this start goes by: of which snapshots are taken, and which is told to the test, if these are wanted. */
const transition = ({ network, options }: Servers, one: SimulatedServer): typeof Step.step => {
  const { onStep, snapshots = 0, transition: given = Step.step } = options
  const { host, index, starts } = one
  if (snapshots > 0) one.snapshots = Snapshots.make(given, snapshots)
  const own = one.snapshots?.step ?? given
  return (current, input, now) => {
    const before = one.snapshots?.before(current) ?? current
    const stepped = own(before, input, now)
    if (onStep === undefined) return stepped
    const at = network.nowUnsafe()
    onStep({ at, index, start: starts, host, before, input, now, after: stepped[0], outputs: stepped[1] })
    return stepped
  }
}

/** Reads in true time, and not in the process: what it told before its end is kept. */
const readEvents = (servers: Servers, one: SimulatedServer, { group }: Server.ServerShape): Effect.Effect<void> => {
  const capacity = eventCapacity(servers)
  if (capacity === 0) return Effect.void
  const note = (event: Event.Event) =>
    Effect.map(servers.network.now, (at) => {
      one.events.push({ at, index: one.index, event })
      if (one.events.length >= 2 * capacity) one.events = one.events.slice(-capacity)
    })
  return Effect.scoped(Effect.flatMap(group.subscribe, ({ events }) => Stream.runForEach(events, note)))
}
