/** What the leader does, over every backend: it counts rounds. */
import { Group, Leadership } from "bellwether"
import { Console, Effect, Schedule } from "effect"

const rounds = (by: string) =>
  Effect.gen(function*() {
    const { token } = yield* Leadership.Reign
    yield* Console.log(`${by} leads by ${token}`)
    for (let round = 1;; round++) {
      yield* Console.log(`${by}: round ${round} by ${token}`)
      yield* Effect.sleep("200 millis")
    }
  }).pipe(Effect.onInterrupt(() => Console.log(`${by} leads no more`)))

/** The app: it knows of a group and of a leader, and of no network, etcd or database. */
export const app = (by: string) =>
  Effect.gen(function*() {
    const group = yield* Group.Group
    const leadership = yield* Leadership.Leadership
    yield* Console.log(`${by} is there`)
    // A rolling restart waits for this before it goes on to the next server.
    yield* group.healthy.pipe(
      Effect.repeat({ until: ({ healthy }) => healthy, schedule: Schedule.spaced("100 millis") }),
      Effect.andThen(Console.log(`${by} is ready`)),
      Effect.forkScoped
    )
    return yield* Effect.raceFirst(leadership.whileLeader(rounds(by)), group.failed)
  }).pipe(Effect.scoped)
