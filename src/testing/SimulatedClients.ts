/**
 * The clients of a simulated group: each with its real code, on a machine of its own with its own clock.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Client from "../client/Client.ts"
import * as Closing from "../engine/Closing.ts"
import type * as ClientEvent from "../protocol/model/ClientEvent.ts"
import * as Datagrams from "../transport/Datagrams.ts"
import type * as SimulatedClock from "./SimulatedClock.ts"
import type * as SimulatedNetwork from "./SimulatedNetwork.ts"

/**
 * An event of one client, and when it was told: in ms of true time since the network was made.
 *
 * @category models
 * @since 0.1.0
 */
export interface Seen {
  readonly at: number
  readonly index: number
  readonly event: ClientEvent.ClientEvent
}

/**
 * Clients go by their number, from 0; their machines are called `c0`, `c1`, and so on. A verb that needs a client that
 * runs is a defect where it does not.
 *
 * @category models
 * @since 0.1.0
 */
export interface SimulatedClients {
  /** Adds one on a machine of its own and starts it; its number. */
  readonly add: (
    options?: Client.Options,
    clock?: SimulatedClock.Options
  ) => Effect.Effect<number, Client.ClientError>
  readonly at: (index: number) => Effect.Effect<Client.ClientShape>
  readonly host: (index: number) => Effect.Effect<SimulatedNetwork.Host>
  /** SIGKILL: it says nothing, and no finalizer of it runs before the scope closes. */
  readonly kill: (index: number) => Effect.Effect<void>
  /** SIGTERM: it says goodbye. The fiber ends when its scope has closed, for which time must pass. */
  readonly stop: (index: number) => Effect.Effect<Fiber.Fiber<void>>
  /** The events of one client, in order. */
  readonly events: (index: number) => Effect.Effect<ReadonlyArray<Seen>>
  /** The numbers of those that run. */
  readonly running: Effect.Effect<ReadonlyArray<number>>
}

interface One {
  readonly index: number
  readonly client: Client.ClientShape
  readonly host: SimulatedNetwork.Host
  readonly ownProcess: SimulatedClock.Process
  readonly scope: Scope.Closeable
  readonly reader: Fiber.Fiber<void>
  readonly events: Array<Seen>
  isRunning: boolean
  isClosed: boolean
}

/**
 * No clients yet. Closing the scope ends all, also the killed ones; no time passes, and nobody hears of it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(
  network: SimulatedNetwork.SimulatedNetwork,
  settings: Client.Options
): Effect.fn.Return<SimulatedClients, never, Scope.Scope> {
  const all: Array<One> = []
  yield* Effect.addFinalizer(() =>
    Effect.forEach(
      all,
      (one) => one.host.killEndpoints.pipe(Effect.andThen(one.ownProcess.hurry), Effect.andThen(close(one))),
      { discard: true }
    )
  )
  const oneAt = (index: number) =>
    Effect.suspend(() => {
      const one = all[index]
      return one === undefined
        ? Effect.die(new Error(`there is no client ${index} among ${all.length}`))
        : Effect.succeed(one)
    })
  const runningAt = (index: number) =>
    Effect.filterOrElse(
      oneAt(index),
      ({ isRunning }) => isRunning,
      () => Effect.die(new Error(`client ${index} does not run`))
    )

  return {
    add: Effect.fnUntraced(function*(options = {}, clock = {}) {
      const index = all.length
      all.push(yield* start(network, index, { ...settings, name: nameOf(index), ...options }, clock))
      return index
    }),
    at: (index) => Effect.map(oneAt(index), ({ client }) => client),
    host: (index) => Effect.map(oneAt(index), ({ host }) => host),
    kill: Effect.fnUntraced(function*(index) {
      const one = yield* runningAt(index)
      one.isRunning = false
      yield* one.host.killEndpoints
      yield* one.ownProcess.kill
    }),
    stop: Effect.fnUntraced(function*(index) {
      const one = yield* runningAt(index)
      one.isRunning = false
      return yield* Effect.forkDetach(close(one), { startImmediately: true })
    }),
    events: (index) => Effect.map(oneAt(index), ({ events }) => events),
    running: Effect.sync(() => all.filter(({ isRunning }) => isRunning).map(({ index }) => index))
  }
})

// internal

const nameOf = (index: number) => `c${index}`

const start = Effect.fnUntraced(function*(
  network: SimulatedNetwork.SimulatedNetwork,
  index: number,
  settings: Client.Options,
  clock: SimulatedClock.Options
): Effect.fn.Return<One, Client.ClientError> {
  const host = yield* network.host({ ...clock, name: nameOf(index) })
  const scope = yield* Scope.make()
  const ownProcess = yield* host.clock.process
  const client = yield* Client.make(settings).pipe(
    Effect.provideService(Datagrams.Datagrams, host.datagrams),
    Random.withSeed(`${network.seed} ${nameOf(index)}`),
    Effect.provideService(Clock.Clock, ownProcess.clock),
    Effect.provideService(Closing.RealClock, ownProcess.clock),
    Scope.provide(scope),
    Effect.onError(() => Scope.close(scope, Exit.void))
  )
  const events: Array<Seen> = []
  // Read in true time, and not in the process: what it told before its end is kept.
  const reader = yield* client.subscribe.pipe(
    Effect.flatMap((subscription) =>
      Stream.runForEach(
        subscription.events,
        (event) => Effect.map(network.now, (at) => void events.push({ at, index, event }))
      )
    ),
    Effect.scoped,
    Effect.forkDetach({ startImmediately: true })
  )
  return { index, client, host, ownProcess, scope, reader, events, isRunning: true, isClosed: false }
})

const close = (one: One): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (one.isClosed) return Effect.void
    one.isClosed = true
    return Scope.close(one.scope, Exit.void).pipe(
      Effect.provideService(Clock.Clock, one.ownProcess.clock),
      // Its events end with the client: those before that are read first.
      Effect.andThen(Fiber.await(one.reader)),
      Effect.asVoid
    )
  })
