/**
 * Processes that stand still, in earnest: stopped by a signal, or with a blocked event loop (protocol 4, a stall is not a
 * death).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Path from "node:path"
import type * as Event from "../../src/protocol/Event.ts"
import * as Process from "../cli/process.ts"

const program = Path.resolve(import.meta.dirname, "app.process.ts")
// Three time-outs of the profile `fast`.
const standstill = "4800 millis"

type Line = {
  readonly works?: number
  readonly woke?: boolean
  readonly leads?: boolean
  readonly guard?: string
  readonly interrupted?: number
  readonly since?: number
  readonly unblocked?: boolean
}

/** What the app says besides its events. */
const lines = (app: Process.Running): ReadonlyArray<Line> =>
  app.stderr.split("\n").slice(0, -1).flatMap((line) => line.startsWith("{") ? [JSON.parse(line) as Line] : [])
const line = (app: Process.Running, holds: (line: Line) => boolean) => app.until(() => lines(app).find(holds))

const leadOf = (app: Process.Running) =>
  app.events.findLast((event): event is Extract<Event.Event, { event: "LeaderChanged" }> =>
    event.event === "LeaderChanged"
  )

/** Waits until all follow the same reign of this leader. */
const agree = (apps: ReadonlyArray<Process.Running>, leader: string) =>
  Effect.suspend(() => {
    const reigns = apps.map((app) => leadOf(app))
    const terms = new Set(reigns.map((reign) => reign?.term))
    return reigns.every((reign) => reign?.leader?.name === leader) && terms.size === 1
      ? Effect.succeed(reigns[0]!.term)
      : Effect.fail("not yet")
  }).pipe(
    Effect.retry(Schedule.max([Schedule.spaced("50 millis"), Schedule.recurs(300)])),
    Effect.catch(() => Effect.die(new Error(`they do not agree:\n${apps.map(({ stdout }) => stdout).join("\n")}`)))
  )

const removals = (app: Process.Running, from = 0) =>
  app.events.slice(from).flatMap((event) => event.event === "MemberRemoved" ? [event.member.name] : [])

/** Three apps, the third of the highest rank, once all know all and follow it, and it works. */
const three = Effect.gen(function*() {
  const env = yield* Process.group
  const start = (name: string, priority: number) =>
    Process.startProgram(program, {
      ...env,
      BELLWETHER_PROFILE: "fast",
      BELLWETHER_NAME: name,
      BELLWETHER_PRIORITY: String(priority)
    })
  const apps = [yield* start("n1", 1), yield* start("n2", 2), yield* start("n3", 3)] as const
  const [n1, n2, n3] = apps
  for (const app of apps) {
    yield* app.until(() => {
      const met = new Set(app.events.flatMap((event) => event.event === "MemberJoined" ? [event.member.name] : []))
      return met.size === 2 ? true : undefined
    })
  }
  const term = yield* agree(apps, "n3")
  yield* line(n3, ({ works }) => works === term)
  return { apps, n1, n2, n3, term }
})

/** What a leader that stood still must have done since, and what must have become of the group. */
const yields = Effect.fnUntraced(function*(
  { apps, n1, n2, n3, term }: Effect.Success<typeof three>,
  stopped: number
) {
  const [first] = yield* n3.until(() => {
    const since = n3.events.filter(({ at }) => at > stopped)
    return since.length > 0 ? since : undefined
  })
  assert.strictEqual(first?.event, "Stalled")
  const woke = yield* line(n3, (line) => line.woke === true)
  assert.deepInclude(woke, { leads: false, guard: "refused" })
  const { since } = yield* line(n3, ({ interrupted }) => interrupted === term)
  // One turn of the watch is 100 ms, 20 rounds of this work.
  assert.isAtMost(since ?? Infinity, 20)
  // Soon one leads again, and it is the highest ranked.
  const next = yield* agree(apps, "n3")
  assert.isAbove(next, term)
  yield* line(n3, ({ works }) => works === next)
  assert.deepStrictEqual(removals(n3), [])
  for (const other of [n1, n2]) assert.deepStrictEqual(removals(other).filter((name) => name !== "n3"), [])
})

describe("a process that stood still (protocol 4)", () => {
  it.live(
    "a leader, stopped for three time-outs: leads no more from its first instruction on, and evicts nobody",
    () =>
      Effect.gen(function*() {
        const group = yield* three
        const { n1, n2, n3 } = group
        const stopped = yield* Clock.currentTimeMillis
        yield* n3.kill("SIGSTOP")
        yield* Effect.sleep(standstill)
        yield* agree([n1, n2], "n2")
        yield* n3.kill("SIGCONT")
        yield* yields(group, stopped)
      }).pipe(Effect.scoped),
    60_000
  )

  it.live("a leader whose event loop is blocked for 5 s: the same", () =>
    Effect.gen(function*() {
      const group = yield* three
      const { n1, n2, n3 } = group
      const stopped = yield* Clock.currentTimeMillis
      yield* n3.kill("SIGUSR2")
      yield* agree([n1, n2], "n2")
      const unblocked = yield* line(n3, ({ unblocked }) => unblocked === true)
      assert.deepInclude(unblocked, { leads: false, guard: "refused" })
      yield* yields(group, stopped)
    }).pipe(Effect.scoped), 60_000)

  it.live(
    "a follower, stopped for three time-outs: evicts nobody, and the lead does not move",
    () =>
      Effect.gen(function*() {
        const { apps, n1, n2, n3, term } = yield* three
        const stopped = yield* Clock.currentTimeMillis
        yield* n1.kill("SIGSTOP")
        yield* Effect.sleep(standstill)
        yield* n1.kill("SIGCONT")
        yield* n1.until(() => n1.events.find(({ at, event }) => at > stopped && event === "Stalled"))
        // It is a member everywhere again, whether or not it had been removed meanwhile.
        for (const other of [n2, n3]) {
          yield* other.until(() => {
            const last = other.events.findLast((event) =>
              (event.event === "MemberJoined" || event.event === "MemberRemoved") && event.member.name === "n1"
            )
            return last?.event === "MemberJoined" ? true : undefined
          })
        }
        const now = yield* agree(apps, "n3")
        assert.deepStrictEqual(removals(n1), [])
        for (const other of [n2, n3]) assert.deepStrictEqual(removals(other).filter((name) => name !== "n1"), [])
        // On a machine so loaded that the leader itself stood still, the lead may have moved for that.
        if (n3.events.some(({ event }) => event === "Stalled")) return
        assert.strictEqual(now, term)
        assert.isFalse(lines(n3).some(({ interrupted }) => interrupted === term))
      }).pipe(Effect.scoped),
    60_000
  )
})
