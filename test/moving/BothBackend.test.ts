/** Two backends of one server as one: what it makes of what each of them says. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type * as Backend from "../../src/backend/Backend.ts"
import * as Latest from "../../src/engine/Latest.ts"
import * as Supervisor from "../../src/engine/Supervisor.ts"
import * as BothBackend from "../../src/moving/BothBackend.ts"
import type { JoinedEvents } from "../../src/moving/JoinedEvents.ts"
import * as Reign from "../../src/protocol/model/Reign.ts"
import type { Known } from "../../src/protocol/model/Runs.ts"
import type * as Pairing from "../../src/server/Pairing.ts"
import { self } from "../backend/harness/One.ts"

const leaseDuration = 6_000

/** One of the two, that says what the test has it say, and what it was told. */
const side = Effect.gen(function*() {
  const reigns = yield* Latest.make<ReadonlyMap<string, Reign.Reign>>(new Map())
  const steps: Array<string> = []
  const heard: Array<string> = []
  const enclosed: Array<string> = []
  const says = {
    elections: ["", "mail"],
    hasRoom: true,
    refusal: null as "NotLeading" | "NoSuchMember" | null,
    known: { begun: 0, done: 0, since: 0 } as Known,
    isLive: true,
    passedBy: null as number | null
  }
  const backend: Partial<Backend.Backend> = {
    whose: { group: "moved", node: self.id },
    view: Effect.succeed({ self, members: [self], reign: null, term: 0 }),
    views: Stream.never,
    own: (election) => Effect.sync(() => reigns.get().get(election) ?? null),
    ownReigns: reigns.changes,
    followed: () => Effect.succeed(null),
    entered: Effect.sync(() => says.elections),
    hasRoom: () => Effect.sync(() => says.hasRoom),
    isGivenUp: () => Effect.succeed(false),
    transferRefusal: () => Effect.sync(() => says.refusal),
    transfersWithin: 1_000,
    step: (input) =>
      Effect.sync(() => void steps.push(`${input._tag} ${"millis" in input ? input.millis : ""}`.trim())),
    mark: () => Effect.sync(() => says.known),
    wall: Effect.succeed(0)
  }
  const part = {
    backend: backend as Backend.Backend,
    heard: (_: string, term: number) => Effect.sync(() => void heard.push(String(term))),
    enclosed: {
      enclose: (election: string, term: number | null) =>
        Effect.sync(() => void enclosed.push(`${election} ${term}`.trim())),
      passedBy: () => Effect.sync(() => says.passedBy),
      isLive: Effect.sync(() => says.isLive),
      leaseDuration
    }
  } as unknown as Pairing.Part & { readonly enclosed: Pairing.Enclosed }
  return {
    part,
    says,
    steps,
    heard,
    enclosed,
    /** It leads these elections, each in that term. */
    lead: (terms: Readonly<Record<string, number>>) =>
      Effect.andThen(
        Effect.sync(() =>
          reigns.set(new Map(Object.entries(terms).map(([election, term]) => [election, Reign.make(term, self)])))
        ),
        TestClock.adjust(1)
      )
  }
})

const both = Effect.gen(function*() {
  const [first, second] = [yield* side, yield* side]
  const { backend, run } = yield* BothBackend.make({ first: first.part, second: second.part }, {} as JoinedEvents)
  yield* run(yield* Supervisor.make(() => Effect.void))
  yield* TestClock.adjust(1)
  return { first, second, backend }
})

describe("a server with two backends", () => {
  it.effect("leads what it leads in both, in one term", () =>
    Effect.gen(function*() {
      const { backend, first, second } = yield* both
      const told: Array<number | null> = []
      yield* Effect.forkScoped(
        Stream.runForEach(backend.ownReigns, (reigns) =>
          Effect.sync(() => void told.push(reigns.get("mail")?.term ?? null)))
      )
      const leads = Effect.map(backend.own("mail"), (reign) => [reign?.term ?? null, told.at(-1)])
      yield* first.lead({ mail: 5 })
      assert.deepStrictEqual(yield* leads, [null, null])
      yield* second.lead({ mail: 5 })
      assert.deepStrictEqual(yield* leads, [5, 5])
      yield* first.lead({ mail: 6 })
      assert.deepStrictEqual(yield* leads, [null, null])
      yield* first.lead({})
      assert.deepStrictEqual(yield* leads, [null, null])
    }))

  it.effect("leads in the second within each reign of the first, as long as that lasts", () =>
    Effect.gen(function*() {
      const { first, second } = yield* both
      second.enclosed.length = 0
      yield* first.lead({ mail: 5 })
      yield* first.lead({})
      assert.deepStrictEqual(second.enclosed, ["null", "mail 5", "null", "mail null"])
    }))

  it.effect("has marks kept by both, knows what either does, and not what either may have lost", () =>
    Effect.gen(function*() {
      const { backend, first, second } = yield* both
      const mark = backend.mark({ leadership: "", job: "sweep" }, { begun: 1, done: 0 })
      first.says.known = { begun: 5, done: 2, since: 0 }
      second.says.known = { begun: 3, done: 3, since: 4 }
      assert.deepStrictEqual(yield* mark, { begun: 5, done: 3, since: 4 })
      first.says.known = { begun: 3, done: 3, since: 9 }
      second.says.known = { begun: 5, done: 2, since: 0 }
      assert.deepStrictEqual(yield* mark, { begun: 5, done: 3, since: 9 })
    }))

  it.effect("enters and leaves an election in both, if both have room", () =>
    Effect.gen(function*() {
      const { backend, first, second } = yield* both
      assert.isTrue(yield* backend.hasRoom("mail"))
      for (const says of [first.says, second.says]) {
        says.hasRoom = false
        assert.isFalse(yield* backend.hasRoom("mail"))
        says.hasRoom = true
      }
      yield* backend.step({ _tag: "Campaign", election: "mail" })
      yield* backend.step({ _tag: "Withdraw", election: "mail" })
      for (const { steps } of [first, second]) assert.deepStrictEqual(steps, ["Campaign", "Withdraw"])
    }))

  it.effect("hands the lead over in the first, or in the second where the first does not know the other server", () =>
    Effect.gen(function*() {
      const { backend, first, second } = yield* both
      const transfer = backend.step({ _tag: "Transfer", to: self.id })
      assert.strictEqual(yield* backend.transferRefusal(self.id, ""), "NotLeading")
      yield* first.lead({ "": 5 })
      yield* second.lead({ "": 5 })
      yield* transfer
      first.says.refusal = "NoSuchMember"
      assert.isNull(yield* backend.transferRefusal(self.id, ""))
      yield* transfer
      assert.deepStrictEqual([first.steps, second.steps], [["Transfer"], ["Transfer"]])
      second.says.refusal = "NoSuchMember"
      assert.strictEqual(yield* backend.transferRefusal(self.id, ""), "NoSuchMember")
    }))

  it.effect("gives up a reign in the first that the second has passed, and has the next one above that", () =>
    Effect.gen(function*() {
      const { first, second } = yield* both
      yield* first.lead({ "": 5 })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(first.steps, [], "it may be of use")
      second.says.passedBy = 90
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([first.heard, first.steps], [["90"], ["Resign"]])
    }))

  it.effect("lets others lead the first for a while, once it has not reached the second for a lease", () =>
    Effect.gen(function*() {
      const { first, second } = yield* both
      second.says.isLive = false
      yield* first.lead({ "": 5 })
      yield* TestClock.adjust(leaseDuration - 1_000)
      assert.deepStrictEqual(first.steps, [])
      second.says.isLive = true
      yield* TestClock.adjust("1 second")
      second.says.isLive = false
      yield* TestClock.adjust(leaseDuration - 1_000)
      assert.deepStrictEqual(first.steps, [], "counted anew")
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(first.steps, ["StepDown 6000"])
    }))
})
