/**
 * Cleanup: every `cleanupInterval` looks for members that have been silent for too long; tells once a minute how many
 * datagrams were dropped and why; at once, then once a minute, which table is full; and which other group is heard all the
 * time.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import type * as Drops from "../engine/Drops.ts"
import type * as Supervisor from "../engine/Supervisor.ts"
import * as Ticks from "../engine/Ticks.ts"
import type { Settings } from "../settings/Settings.ts"
import type * as OtherGroups from "./OtherGroups.ts"
import type * as ServerEngine from "./ServerEngine.ts"

/** Every server drops its own returning multicasts all the time: no one need hear of that. */
const ordinary: ReadonlySet<string> = new Set(["Own"])

/** The drops that are counted because a table is full, and the setting that bounds it. */
const tables = [
  { reason: "MembersFull", table: "members", setting: "maxMembers" },
  { reason: "ClientsFull", table: "clients", setting: "maxClients" },
  { reason: "SessionsFull", table: "sessions", setting: "maxSessions" },
  { reason: "TombstonesFull", table: "tombstones", setting: "maxTombstones" }
] as const
const ofTables: ReadonlySet<string> = new Set(tables.map(({ reason }) => reason))

/** The drops that somebody is told about within a second. */
export const toNotice: ReadonlySet<Drops.Reason> = new Set([
  ...tables.map(({ reason }) => reason),
  "OtherGroup" as const
])

/** How soon somebody is told that a table is full, and how long nothing more is said of it then. */
const noticedWithin = Duration.seconds(1)
const tellAgain = Duration.minutes(1)

/** After such a drop it is looked once a second for so many times, which is beyond {@link tellAgain}: with none nothing runs. */
const looks = 62

/** Starts its fibers. */
export const run = Effect.fnUntraced(function*(
  settings: Settings,
  state: ServerEngine.ServerEngine,
  drops: Pick<Drops.Drops, "noticed">,
  others: OtherGroups.OtherGroups,
  supervisor: Supervisor.Supervisor
): Effect.fn.Return<void, never, Scope.Scope> {
  const told = new Map<string, number>()
  /** How many more there are of a reason than were told, which is now. */
  const news = (dropped: Readonly<Record<string, number>>, reason: string): number => {
    const total = dropped[reason] ?? 0
    const count = total - (told.get(reason) ?? 0)
    told.set(reason, total)
    return count
  }
  const tellDrops = Effect.gen(function*() {
    const dropped = yield* state.dropped
    for (const reason of Object.keys(dropped)) {
      if (ordinary.has(reason) || ofTables.has(reason)) continue
      const count = news(dropped, reason)
      if (count > 0) yield* state.tell({ event: "Dropped", reason, count })
    }
  })
  const toldAt = new Map<string, number>()
  const tellTables = Effect.gen(function*() {
    const dropped = yield* state.dropped
    const now = Number(yield* Clock.monotonicTimeNanos) / 1e6
    for (const { reason, setting, table } of tables) {
      if (now - (toldAt.get(reason) ?? -Infinity) < Duration.toMillis(tellAgain)) continue
      const count = news(dropped, reason)
      if (count === 0) continue
      toldAt.set(reason, now)
      yield* state.tell({ event: "TableFull", table, setting, limit: settings[setting], count })
    }
  })
  const tellOthers = Effect.gen(function*() {
    const now = Number(yield* Clock.monotonicTimeNanos) / 1e6
    for (const other of others.due(now)) {
      yield* Effect.logWarning(
        `${other.from} speaks on our address and port to a group of another name (tag ${other.tag}): `
          + `if it should be ours, compare the name of the group, ${JSON.stringify(settings.group)}, letter by letter`
      )
      yield* state.tell({ event: "OtherGroup", ...other })
    }
  })
  yield* supervisor.keep(
    "cleanup",
    state.step({ _tag: "Sweep" }).pipe(Ticks.spaced(settings.cleanupInterval))
  )
  yield* supervisor.keep("drops", tellDrops.pipe(Ticks.spaced("1 minute")))
  const look = Effect.andThen(Effect.andThen(Effect.sleep(noticedWithin), tellTables), tellOthers)
  const lookForAWhile = Effect.andThen(
    Effect.andThen(Latch.await(drops.noticed), Latch.close(drops.noticed)),
    Effect.repeat(look, { times: looks })
  )
  yield* supervisor.keep("tables", Effect.forever(lookForAWhile, { disableYield: true }))
})
