/**
 * Processes that are paused, in earnest: stopped by a signal, or with a blocked event loop (protocol 4, a stall is not a
 * death).
 */
import { assert, layer } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Path from "node:path"
import type * as Event from "../../src/protocol/model/Event.ts"
import * as Process from "../cli/process.ts"

class App extends Context.Service<App, string>()("test/network/App") {
  static readonly layer = Layer.effect(App, Process.bundled(Path.resolve(import.meta.dirname, "app.process.ts")))
}

Process.goFirst()

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

/** Whom it sees as members now, by name. */
const sees = (app: Process.Running): ReadonlySet<string> => {
  const names = new Set<string>()
  for (const event of app.events) {
    if (event.event === "MemberJoined") names.add(event.member.name)
    if (event.event === "MemberRemoved") names.delete(event.member.name)
  }
  return names
}

type Apps = readonly [n1: Process.Running, n2: Process.Running, n3: Process.Running]

const hasStalled = (app: Process.Running) => app.events.some(({ event }) => event === "Stalled")

/**
 * Nobody who ran all the time was removed by anybody. On a machine so loaded that one more was paused, that one says so
 * itself.
 */
const nobodyHealthyWasRemoved = (apps: Apps) => {
  const healthy = new Set(apps.flatMap((app, index) => hasStalled(app) ? [] : [`n${index + 1}`]))
  for (const app of apps) {
    const removed = app.events.flatMap((event) => event.event === "MemberRemoved" ? [event.member.name] : [])
    assert.deepStrictEqual(removed.filter((name) => healthy.has(name)), [], app.stdout)
  }
}

/** Three apps, the third of the highest rank, once all know all and follow it, and it works. */
const three = Effect.fnUntraced(function*(leader: Record<string, string> = {}) {
  const env = yield* Process.group
  const program = yield* App
  const start = (name: string, priority: number, more: Record<string, string> = {}) =>
    Process.startProgram(
      program,
      {
        ...env,
        BELLWETHER_PROFILE: "fast",
        BELLWETHER_NAME: name,
        BELLWETHER_PRIORITY: String(priority),
        ...more
      },
      [],
      "30 seconds"
    )
  const apps: Apps = [yield* start("n1", 1), yield* start("n2", 2), yield* start("n3", 3, leader)]
  for (const app of apps) yield* app.until(() => sees(app).size === 2 ? true : undefined)
  const term = yield* agree(apps, "n3")
  yield* line(apps[2], ({ works }) => works === term)
  return { apps, term }
})

/** Ways to be paused for three time-outs of the profile `fast`. Each ends when the process runs again. */
const standstills: Record<string, (app: Process.Running) => Effect.Effect<void>> = {
  "stopped by a signal for three time-outs": (app) =>
    app.kill("SIGSTOP").pipe(
      Effect.andThen(Effect.sleep("4800 millis")),
      Effect.andThen(app.kill("SIGCONT"))
    ),
  "with its event loop blocked for 5 s": Effect.fnUntraced(function*(app) {
    yield* app.kill("SIGUSR2")
    // It looked at its lead before anything else could run.
    yield* line(app, ({ unblocked }) => unblocked === true)
  })
}

layer(App.layer, { excludeTestServices: true })("a process that was paused (protocol 4)", (it) => {
  for (const [how, standStill] of Object.entries(standstills)) {
    it.effect(
      `a leader, ${how}: leads no more from its first instruction on, its work ends within one turn of the watch, it evicts nobody, and soon one leads`,
      Effect.fnUntraced(function*() {
        const { apps, term } = yield* three()
        const [n1, n2, n3] = apps
        const stopped = yield* Clock.currentTimeMillis
        yield* Effect.all([
          standStill(n3),
          // Meanwhile another leads: the stall is longer than a time-out.
          agree([n1, n2], "n2")
        ], { concurrency: "unbounded" })
        const [first] = yield* n3.until(() => {
          const since = n3.events.filter(({ at }) => at > stopped)
          return since.length > 0 ? since : undefined
        })
        assert.strictEqual(first?.event, "Stalled")
        yield* line(n3, (line) => line.woke === true)
        for (const look of lines(n3)) {
          if (look.leads !== undefined) assert.deepInclude(look, { leads: false, guard: "refused" })
        }
        const { since } = yield* line(n3, ({ interrupted }) => interrupted === term)
        // One turn of the watch is 100 ms, 20 rounds of this work.
        assert.isAtMost(since ?? Infinity, 20)
        // It is the highest ranked, and leads again.
        const next = yield* agree(apps, "n3")
        assert.isAbove(next, term)
        yield* line(n3, ({ works }) => works === next)
        nobodyHealthyWasRemoved(apps)
      }, Effect.scoped),
      { timeout: 90_000, concurrent: true }
    )

    it.effect(
      `a follower, ${how}: evicts nobody, is a member everywhere again, and the lead does not move`,
      Effect.fnUntraced(function*() {
        // A leader of slow heartbeats is late by seconds before it takes that for a stall of its own: a loaded machine must
        // not move the lead.
        const { apps, term } = yield* three({ BELLWETHER_HEARTBEAT_INTERVAL: "4s", BELLWETHER_MEMBER_TIMEOUT: "10s" })
        const [n1, n2, n3] = apps
        const stopped = yield* Clock.currentTimeMillis
        yield* standStill(n1)
        yield* n1.until(() => n1.events.find(({ at, event }) => at > stopped && event === "Stalled"))
        // Whether or not it had been removed meanwhile.
        for (const other of [n2, n3]) yield* other.until(() => sees(other).has("n1") ? true : undefined)
        assert.strictEqual(yield* agree(apps, "n3"), term)
        assert.isFalse(lines(n3).some(({ interrupted }) => interrupted === term))
        nobodyHealthyWasRemoved(apps)
      }, Effect.scoped),
      { timeout: 90_000, concurrent: true }
    )
  }
})
