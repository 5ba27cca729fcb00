import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Flood from "./Flood.ts"

describe("one source at 20,000 datagrams a second, on real sockets (protocol, shares)", () => {
  it.live("the others are heard within half a time-out, nobody is removed, and what is too much is dropped unread", () =>
    Effect.gen(function*() {
      const memberTimeout = 30_000
      const { measure } = yield* Flood.group({ keyed: true, memberTimeout })
      for (const towards of ["group", "server"] as const) {
        const { dropped, late, removed, sent } = yield* measure(20_000, 2, towards)
        assert.isAbove(sent, 1_000)
        assert.strictEqual(removed, 0)
        assert.isBelow(late, memberTimeout / 2)
        // What came to us was refused one by one, or as too much: how much of each, a busy machine decides.
        const { Forged = 0, NotSealed = 0, SourceTooFast = 0 } = dropped
        assert.isAbove(Forged + NotSealed + SourceTooFast, 0)
        assert.isBelow(Forged + NotSealed, 100_000)
      }
    }).pipe(Effect.scoped))
})
