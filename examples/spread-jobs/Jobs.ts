/**
 * Several jobs, each with a leader of its own: every copy of the app offers to run all of them, each job runs on one copy
 * at a time, and all copies have something to do.
 */
import { Group, Leadership } from "bellwether"
import { Console, Effect, Schedule } from "effect"

export const names = ["invoices", "reminders", "backups", "reports", "cleanup", "mirror"]

/** One job: does something every second, and says when it begins and when it has ended. */
export const work = (name: string) =>
  Effect.acquireUseRelease(
    Console.log(`${name}: runs here`),
    () => Effect.repeat(Leadership.Reign.guard(Effect.void), Schedule.spaced("1 second")),
    () => Console.log(`${name}: has ended here`)
  )

/**
 * Takes part in the election for each job, and runs what it leads. A job that fails is started again three times; then
 * another copy gets it, and this one takes part again after a minute.
 */
export const jobs = Effect.gen(function*() {
  const leadership = yield* Leadership.Leadership
  const group = yield* Group.Group
  const one = (name: string) =>
    Effect.scoped(Effect.gen(function*() {
      const lead = yield* leadership.of(name)
      return yield* lead.singleton(name, work(name), {
        schedule: Schedule.max([Schedule.exponential("200 millis"), Schedule.recurs(3)])
      })
    })).pipe(Effect.retry(Schedule.spaced("1 minute")))
  return yield* Effect.raceFirst(
    Effect.forEach(names, one, { concurrency: "unbounded", discard: true }),
    group.failed
  )
})
