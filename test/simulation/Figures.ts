/**
 * The figures of the protocol's model (protocol 5), measured on the real code in virtual time: how long a group takes to
 * name one reign after each kind of trouble, and what it says meanwhile. A figure is decided by its seed.
 */
import * as Effect from "effect/Effect"
import { VirtualTime } from "../../src/testing/index.ts"
import * as World from "./World.ts"

/** One run: ms of virtual time to one agreed reign, election datagrams sent, reigns that anybody followed. */
export interface Figure {
  readonly millis: number
  readonly datagrams: number
  readonly reigns: number
}

/** A kind of trouble, and what it does to a group. It answers the instant from which the time counts. */
export interface Trouble {
  readonly name: string
  readonly bring: (world: World.World, size: number, seed: number) => Effect.Effect<number>
  /** The longest that is waited for one reign, in ms of virtual time. */
  readonly patience: number
}

const elections: ReadonlySet<string> = new Set(["ELECTION", "OK", "COORDINATOR", "STEPPING_DOWN"])

const steadyFor = 2_400_000
const memberTimeout = 30_000

const startGroup = (world: World.World, size: number) => Effect.orDie(world.startAll(size))

/** A group that has agreed, and said for a while what it says when nothing happens. */
const settled = Effect.fnUntraced(function*(world: World.World, size: number, seed: number) {
  yield* startGroup(world, size)
  yield* world.untilAgreed(60_000)
  // Trouble comes at any moment between two heartbeats and two sweeps.
  yield* World.pass(5_000 + (seed * 3_217) % 30_000)
})

const leaderOf = (world: World.World) => world.nodes().find(({ self }) => self.id === world.agreed()?.leader.id)!

export const troubles: ReadonlyArray<Trouble> = [
  {
    name: "cold start",
    patience: 60_000,
    bring: (world, size) => Effect.as(startGroup(world, size), 0)
  },
  {
    name: "the leader leaves",
    patience: 60_000,
    bring: Effect.fnUntraced(function*(world, size, seed) {
      yield* settled(world, size, seed)
      yield* leaderOf(world).leave
      return yield* world.now
    })
  },
  {
    name: "the leader dies silently",
    patience: 180_000,
    bring: Effect.fnUntraced(function*(world, size, seed) {
      yield* settled(world, size, seed)
      const leader = leaderOf(world)
      yield* leader.host.disconnect
      yield* leader.kill
      return yield* world.now
    })
  },
  {
    name: "the leader is frozen for three time-outs",
    patience: 60_000,
    bring: Effect.fnUntraced(function*(world, size, seed) {
      yield* settled(world, size, seed)
      const { host } = leaderOf(world)
      yield* host.pause
      yield* World.pass(3 * memberTimeout)
      yield* host.resume()
      return yield* world.now
    })
  },
  {
    name: "all restart at once",
    patience: 60_000,
    bring: Effect.fnUntraced(function*(world, size, seed) {
      yield* settled(world, size, seed)
      for (const node of world.nodes().slice()) yield* node.kill
      // An incarnation is a millisecond of the wall clock.
      yield* World.pass(1)
      yield* startGroup(world, size)
      return yield* world.now
    })
  },
  {
    name: "a partition is healed",
    patience: 60_000,
    bring: Effect.fnUntraced(function*(world, size, seed) {
      yield* settled(world, size, seed)
      const names = world.nodes().map(({ name }) => name)
      const half = Math.ceil(size / 2)
      yield* world.network.partition([names.slice(0, half), names.slice(half)])
      yield* World.pass(60_000)
      yield* world.network.heal
      return yield* world.now
    })
  },
  {
    name: "nothing for 40 minutes",
    patience: 1_000,
    bring: Effect.fnUntraced(function*(world, size, seed) {
      yield* settled(world, size, seed)
      const from = yield* world.now
      yield* World.pass(steadyFor)
      return from
    })
  }
]

/** Reigns that servers followed from an instant on, each counted once. */
const reignsSince = (world: World.World, from: number) => {
  const followed = new Set<string>()
  for (const node of world.nodes()) {
    for (const { event } of World.eventsOf(node, "LeaderChanged", from)) {
      if (event.leader !== null) followed.add(`${event.term} ${event.leader.id}`)
    }
  }
  return followed.size
}

/** One run of one trouble. Infinity where there was no agreement in time. */
export const measure = (trouble: Trouble, size: number, loss: number, seed: number): Effect.Effect<Figure> =>
  VirtualTime.run(Effect.gen(function*() {
    const world = yield* World.make({ seed, loss })
    const from = yield* trouble.bring(world, size, seed)
    // That all still follow the one who is gone is no agreement on a leader.
    const livesOn = () => world.nodes().some(({ self }) => self.id === world.agreed()?.leader.id)
    while (!livesOn() && (yield* world.now) - from < trouble.patience) yield* World.pass(20)
    const millis = livesOn() ? Math.max(0, world.agreedAt() - from) : Infinity
    // What is said again, and a leader that comes back and takes over, belong to the same trouble.
    yield* World.pass(2_000)
    const datagrams = world.said.filter(({ at, message }) => at >= from && elections.has(message.type)).length
    return { millis, datagrams, reigns: reignsSince(world, from) }
  }))

/** The value below which so many of a hundred are. */
export const percentile = (values: ReadonlyArray<number>, percent: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil((percent / 100) * values.length) - 1)]!
