/** A group that moves from one backend to another, one server restarted after the other, while it works; with faults drawn by a seed. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Leadership from "../../src/server/Leadership.ts"
import type * as Settings from "../../src/settings/Settings.ts"
import * as Servers from "./Servers.ts"

/** How a group moves. */
export interface Options {
  readonly lan: Settings.Options
  /** Where all servers are, one after the other. */
  readonly stations: ReadonlyArray<Servers.Where>
  /** Whether leaders are killed, cut off, or lose their registry on the way. */
  readonly faults: boolean
  /** By how much the wall clock of the first leader is ahead, in ms, until it is mended before the group moves. */
  readonly ahead?: number
}

/** What happened. */
export interface Report {
  readonly tokens: ReadonlyArray<string>
  /** The name of the server that worked, for each token. */
  readonly workers: ReadonlyArray<string>
  /** How many worked at a time, at most. */
  readonly most: number
  /** The longest time in which nobody worked, in ms. */
  readonly longestIdle: number
  readonly faults: ReadonlyArray<string>
}

const names = ["a", "b", "c"] as const

export const kinds = ["kill", "cut", "cut off from the registry", "cut off from the LAN", "resign"] as const

/** Moves a group of three. Fails where nobody works for two minutes. */
export const run = Effect.fnUntraced(function*(
  seed: number,
  { ahead = 0, faults, lan, stations }: Options
): Effect.fn.Return<Report, unknown, Scope.Scope> {
  const place = yield* Servers.make(seed, lan)
  const servers = new Map<string, Servers.Started>()
  const report = {
    tokens: [] as Array<string>,
    workers: [] as Array<string>,
    most: 0,
    longestIdle: 0,
    faults: [] as Array<string>
  }
  const seen = { running: new Set<string>(), idle: 0 }
  const workOn = (name: string): NonNullable<Servers.Options["work"]> => ({ leadership }) =>
    leadership.whileLeader(Effect.gen(function*() {
      const { token } = yield* Leadership.Reign
      report.tokens.push(token)
      report.workers.push(name)
      const run = `${name} ${token}`
      seen.running.add(run)
      report.most = Math.max(report.most, seen.running.size)
      // Its end takes a while: less than it is given.
      const ends = Effect.andThen(Effect.sleep(100), Effect.sync(() => seen.running.delete(run)))
      return yield* Effect.ensuring(Effect.never, ends)
    }))
  const start = Effect.fnUntraced(function*(name: string, where: Servers.Where) {
    const server = yield* place.start(name, where, {
      priority: names.indexOf(name as never),
      ahead: name === names.at(-1) ? ahead : 0,
      work: workOn(name)
    })
    servers.set(name, server)
  })
  const pass = Effect.fnUntraced(function*(millis: number) {
    for (let passed = 0; passed < millis; passed += 50) {
      yield* TestClock.adjust(50)
      seen.idle = seen.running.size > 0 ? 0 : seen.idle + 50
      report.longestIdle = Math.max(report.longestIdle, seen.idle)
      if (seen.idle > 120_000) {
        assert.fail(`nobody works, after ${report.workers.length} reigns and ${report.faults.join(", ")}`)
      }
    }
  })
  /** As a rolling restart waits for it. */
  const settle = Effect.fnUntraced(function*() {
    const isReady = Effect.map(
      Effect.forEach([...servers.values()], ({ group }) => group.healthy),
      (all) => seen.running.size === 1 && all.every(({ healthy }) => healthy)
    )
    while (!(yield* isReady)) yield* pass(50)
    yield* pass(1_000 + Math.floor(5_000 * (yield* Random.next)))
  })
  const befall = Effect.fnUntraced(function*(where: Servers.Where) {
    const worker = report.workers.at(-1)
    const [name, server] = [...servers].find(([name]) => name === worker) ?? [...servers][0]!
    const kind = kinds[Math.floor(kinds.length * (yield* Random.next))]!
    report.faults.push(`${kind} ${name}`)
    const millis = 500 + Math.floor(15_000 * (yield* Random.next))
    if (kind === "resign") yield* Effect.ignore(server.leadership.resign)
    else if (kind === "kill") {
      yield* server.kill
      yield* pass(millis)
      yield* start(name, where)
    } else {
      const cut = {
        cut: server.cut,
        "cut off from the registry": server.cutRegistry,
        "cut off from the LAN": server.cutLan
      }[kind]
      yield* cut(true)
      yield* pass(millis)
      yield* cut(false)
    }
    yield* settle()
  })
  const [first, ...others] = stations
  for (const name of names) yield* start(name, first!)
  yield* settle()
  yield* servers.get(names.at(-1)!)!.setClock(-ahead)
  for (const where of others) {
    for (const name of names) {
      const before = servers.get(name)!
      servers.delete(name)
      yield* Effect.forkScoped(before.stop)
      yield* pass(2_000)
      yield* start(name, where)
      yield* settle()
      if (faults && (yield* Random.next) < 0.5) yield* befall(where)
    }
  }
  return report
}, (effect, seed) => Random.withSeed(effect, `move ${seed}`))
