/** A registry in memory that several servers of one test share, with the faults of a real one. Its clock is the app's. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type Change, type Registry, RegistryFailed } from "../../../src/registry/Registry.ts"
import { RegistryStore } from "./RegistryStore.ts"

/** The registry as one server reaches it, and what may go wrong between them. */
export interface Link extends Registry {
  /** Nothing comes through from now on, in either direction; or everything does again. */
  readonly cut: (isCut: boolean) => void
  /** What is asked for is done, and the answers are lost. */
  readonly loseAnswers: (loses: boolean) => void
  /** All watches end; each begins anew. */
  readonly cutWatches: () => void
  /** All that is asked for is refused. */
  readonly refuse: (refuses: boolean) => void
  /** The session that it has. */
  readonly session: () => string | null
}

/** A registry that lives as long as the scope. */
export interface MemoryRegistry {
  readonly store: RegistryStore
  readonly link: () => Link
}

/** Makes one whose sessions last that long, in ms. */
export const make = Effect.fnUntraced(function*(ttl: number): Effect.fn.Return<MemoryRegistry, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const store = new RegistryStore()
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const tick = Effect.andThen(Effect.sleep(20), Effect.sync(() => store.expire(now())))
  yield* Effect.forkScoped(Effect.forever(tick))
  return { store, link: () => makeLink(store, ttl, now) }
})

const makeLink = (store: RegistryStore, ttl: number, now: () => number): Link => {
  let session: string | null = null
  let isCut = false
  let loses = false
  let refuses = false
  const watches = new Set<Queue.Queue<Change, RegistryFailed | Cause.Done>>()
  const failed = (during: RegistryFailed["during"], kind: RegistryFailed["kind"], detail: string) =>
    new RegistryFailed({ during, kind, detail })
  const asked = <A>(during: RegistryFailed["during"], act: () => A | RegistryFailed) =>
    Effect.suspend((): Effect.Effect<A, RegistryFailed> => {
      if (isCut) return Effect.fail(failed(during, "Unreachable", "it is cut off"))
      if (refuses) return Effect.fail(failed(during, "Refused", "wrong password"))
      store.expire(now())
      const answer = act()
      if (loses) return Effect.fail(failed(during, "Unknown", "the answer is lost"))
      return answer instanceof RegistryFailed ? Effect.fail(answer) : Effect.succeed(answer)
    })
  const over = (during: RegistryFailed["during"]) => {
    session = null
    return failed(during, "SessionOver", "it is over")
  }
  const endWatches = (detail: string): void => {
    for (const queue of watches) Queue.failCauseUnsafe(queue, Cause.fail(failed("watch", "Unreachable", detail)))
    watches.clear()
  }
  const open = Effect.gen(function*() {
    const queue = yield* Queue.unbounded<Change, RegistryFailed | Cause.Done>()
    store.expire(now())
    Queue.offerUnsafe(queue, store.picture())
    const stop = store.listen(({ changes }) => changes.forEach((change) => Queue.offerUnsafe(queue, change)))
    watches.add(queue)
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        stop()
        watches.delete(queue)
      })
    )
    return Stream.fromQueue<Change, RegistryFailed | Cause.Done>(queue)
  })
  return {
    watch: Stream.unwrap(Effect.andThen(asked("watch", () => undefined), open)),
    renew: asked("renew", () => {
      if (session === null) session = store.begin(now() + ttl)
      else if (!store.renew(session, now() + ttl)) return over("renew")
      return { session, ttl }
    }),
    commit: (transaction) =>
      asked("commit", () => {
        const outcome = store.commit(session, transaction)
        return outcome === "over" ? over("commit") : outcome
      }),
    close: asked("close", () => {
      if (session !== null) store.end(session, "deleted")
      session = null
    }),
    cut: (cuts) => {
      isCut = cuts
      if (cuts) endWatches("it is cut off")
    },
    loseAnswers: (to) => {
      loses = to
    },
    refuse: (to) => {
      refuses = to
      if (to) endWatches("wrong password")
    },
    cutWatches: () => endWatches("the watch was cut"),
    session: () => session
  }
}
