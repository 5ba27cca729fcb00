/** A session that is granted what a test says, when it says so. */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as Claims from "../../src/cluster/Claims.ts"
import type * as Holds from "../../src/server/Holds.ts"

/** It, and the claims that are made with it. */
export const make = Effect.gen(function*() {
  const held = new Map<number, { readonly token: string; readonly left: number }>()
  const released: Array<string> = []
  const ends: Array<boolean> = []
  const events = yield* Queue.unbounded<Holds.HoldEvent>()
  let asked = yield* Deferred.make<Holds.Answered>()
  const hold: Holds.Hold = {
    events,
    want: () => Effect.void,
    ask: () => Effect.suspend(() => Deferred.await(asked)),
    current: Effect.sync(() => new Map(held)),
    release: (tokens) =>
      Effect.sync(() => {
        for (const [resource, token] of tokens) {
          released.push(token)
          if (held.get(resource)?.token === token) held.delete(resource)
        }
      }),
    token: (resource) => Effect.sync(() => held.get(resource)?.token ?? null),
    end: (finished) => Effect.sync(() => void ends.push(finished))
  }
  const scope = yield* Scope.make()
  const sessions = { hold: () => Effect.succeed(hold), lease: null, stopTimeout: Duration.millis(500) }
  const claims = yield* Scope.provide(Claims.make(sessions, { space: "shards", count: 9, expiry: 6_000 }), scope)
  return {
    claims,
    sessions,
    held,
    released,
    ends,
    events,
    close: Scope.close(scope, Exit.void),
    /** The leader answers. */
    answer: (answered: Holds.Answered = { again: 0 }) =>
      Effect.gen(function*() {
        yield* Deferred.succeed(asked, answered)
        asked = yield* Deferred.make<Holds.Answered>()
      })
  }
})
