/**
 * The example of a store that refuses an older token: two leaders in a split, one table.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Invoices from "../../examples/fenced-store/Invoices.ts"
import { split } from "../../examples/fenced-store/Split.ts"
import * as Process from "./Process.ts"

describe("the example of a store that is fenced", () => {
  it.effect("takes what the newer of two leaders writes, and nothing that the older one does", () =>
    Effect.gen(function*() {
      const store = yield* Invoices.open
      const { leaders, outcomes } = yield* split(() => Effect.void).pipe(
        Effect.provideService(Invoices.Invoices, store)
      )
      assert.deepStrictEqual(leaders, { before: [2], split: [1, 2], healed: [2] })

      // Both tried to write while both led: without the fence both would have.
      const firstOfS1 = outcomes.findIndex(({ by }) => by === "s1")
      const lastOfS1 = outcomes.findLastIndex(({ by }) => by === "s1")
      // The older one may try once more before it hears of the other.
      const lastRefused = outcomes.findLastIndex(({ number }) => number === null)
      const during = outcomes.slice(firstOfS1, Math.max(lastOfS1, lastRefused) + 1)
      assert.isAbove(firstOfS1, 0)
      const tried = (by: string) => during.filter((outcome) => outcome.by === by)
      assert.isAtLeast(tried("s2").length, 3)
      assert.isAtLeast(tried("s1").length, 3)
      for (const { number } of tried("s2")) assert.isNull(number)
      for (const { number } of tried("s1")) assert.isNotNull(number)

      // Before and after, everything that was tried was written; and the table has no gap, no double, no step back.
      const others = outcomes.filter((outcome) => !during.includes(outcome))
      for (const { by, number } of others) {
        assert.strictEqual(by, "s2")
        assert.isNotNull(number)
      }
      const all = yield* store.all
      assert.deepStrictEqual(all.map(({ number }) => number), all.map((_, at) => at + 1))
      const tokens = all.map(({ token }) => token)
      assert.deepStrictEqual(tokens, tokens.toSorted())
      assert.deepStrictEqual(
        [...new Set(all.map(({ by, token }) => `${by} ${token}`))].map((line) => line.slice(0, 2)),
        [
          "s2",
          "s1",
          "s2"
        ]
      )
    }))

  it.effect("lets nobody older write from the moment a new leader has begun, although that has written nothing", () =>
    Effect.gen(function*() {
      const store = yield* Invoices.open
      const old = { by: "old", customer: "ACME", token: "1" }
      assert.strictEqual(yield* store.issue(old), 1)
      yield* store.begin("2")
      const refused = yield* Effect.flip(store.issue(old))
      assert.deepInclude(refused, { token: "1", newest: "2" })
      assert.deepInclude(yield* Effect.flip(store.begin("1")), { token: "1", newest: "2" })
      assert.strictEqual(yield* store.issue({ ...old, token: "2" }), 2)
      assert.lengthOf(yield* store.all, 2)
    }))

  it.runIf(Process.runsTypeScript)(
    "runs as its user runs it",
    async () => {
      const story = Process.start("examples/fenced-store/main.ts", [], {})
      assert.strictEqual(await story.ended, 0, story.said())
      await story.line("s2 is refused")
      await story.line("1 by s2, token ")
    }
  )
})
