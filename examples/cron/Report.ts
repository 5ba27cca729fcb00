/**
 * A report every ten seconds, each once in the whole group: every copy of the app offers to write it, the leader does, and the
 * servers remember which have begun.
 */
import { Group, Leadership } from "bellwether"
import { Console, Cron, DateTime, Effect } from "effect"

/** With a time zone, so that all servers mean the same instants. */
const everyTenSeconds = Cron.parseUnsafe("*/10 * * * * *", "UTC")

/** Writes the report of one instant. The instant is its name: not what the clock says by the time it is written. */
const report = (by: string) => (at: DateTime.Utc) =>
  // What a process that froze right before this writes too late, its token would show.
  Leadership.Reign.guard(Console.log(`${by} writes the report of ${DateTime.formatIso(at)}`))

export const reports = Effect.gen(function*() {
  const { cron } = yield* Leadership.Leadership
  const group = yield* Group.Group
  const { name } = yield* group.self
  return yield* Effect.raceFirst(cron("report", everyTenSeconds, report(name)), group.failed)
})
