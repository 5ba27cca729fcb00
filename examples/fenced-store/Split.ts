/**
 * The story: three servers and one table that all of them reach, while the network between them is split. For a while two
 * of them lead, each in good faith. The table takes the newer one's invoices and refuses the older one's.
 */
import { SimulatedGroup, VirtualTime } from "bellwether/testing"
import { Effect } from "effect"
import { Invoices } from "./Invoices.ts"
import { job, type Outcome } from "./Job.ts"

/** What each attempt came to, in order; and who led at the end of each chapter. */
export interface Story {
  readonly outcomes: ReadonlyArray<Outcome>
  readonly leaders: Readonly<Record<"before" | "split" | "healed", ReadonlyArray<number>>>
}

/** Twenty seconds of it, in virtual time. `say` is given each line of it. */
export const split = (say: (line: string) => Effect.Effect<void>) =>
  Effect.flatMap(Invoices, (invoices) =>
    VirtualTime.run(Effect.gen(function*() {
      const outcomes: Array<Outcome> = []
      const note = (outcome: Outcome) =>
        Effect.suspend(() => {
          outcomes.push(outcome)
          const { by, number } = outcome
          return say(number === null ? `  ${by} is refused` : `  ${by} writes invoice ${number}`)
        })
      const group = yield* SimulatedGroup.make({
        servers: 3,
        seed: "invoices",
        settings: (index) => ({ profile: "fast", priority: index, name: `s${index}` }),
        app: ({ leadership }, index) =>
          leadership.whileLeader(job(`s${index}`, note)).pipe(Effect.provideService(Invoices, invoices))
      })

      yield* group.advance("5 seconds")
      const before = yield* group.leaders
      yield* say("the network splits: s2 on one side, s0 and s1 on the other")
      yield* group.partition([[0, 1], [2]])
      yield* group.advance("10 seconds")
      const split = yield* group.leaders
      yield* say("the network heals")
      yield* group.heal
      yield* group.advance("5 seconds")
      const healed = yield* group.leaders
      const story: Story = { outcomes, leaders: { before, split, healed } }
      return story
    })))
