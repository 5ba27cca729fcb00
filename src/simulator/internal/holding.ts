/**
 * The app on each server of a simulated run that holds what is shared: its share of some partitions for as long as it runs, and
 * now and then a lock that others want too. What it does under a grant takes its time to stop.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import type * as Holds from "../../server/Holds.ts"
import type * as Watcher from "../Watcher.ts"
import type { GrantWork } from "./grantSafety.ts"

export const partitions = { space: "partitions", count: 8, wanted: null, weight: 1 } as const
export const lock = { space: "lock", count: 1, wanted: [0], weight: 1 } as const

/** One start of one server. */
export interface One {
  readonly hold: Holds.Holds["hold"]
  readonly watcher: Watcher.Watcher
  readonly index: number
  readonly start: number
  /** For how long a grant lasts, in ms. */
  readonly expiry: number
  readonly stopTimeout: number
  /** How work stops that has just begun; it tells where it will not make it. */
  readonly drawStop: (overruns: () => void) => Effect.Effect<Effect.Effect<void>>
}

/** Holds what it holds for as long as the server runs. */
export const run = (one: One): Effect.Effect<void> =>
  Effect.gen(function*() {
    const share = live(one, partitions, Effect.never)
    // An app ends its sessions before its server leaves, or hears from them that it does.
    const isDetached = (yield* Random.next) < 0.5
    if (isDetached) yield* Effect.forkDetach(share, { startImmediately: true })
    yield* Effect.all([isDetached ? Effect.never : share, lockNowAndThen(one)], {
      concurrency: "unbounded",
      discard: true
    })
  })

// internal

const lockNowAndThen = (one: One): Effect.Effect<never> =>
  Effect.forever(Effect.gen(function*() {
    yield* Effect.sleep(2 * one.expiry * (yield* Random.next))
    yield* live(one, lock, Effect.sleep(one.expiry * (yield* Random.next)))
  }))

/** A session that lives for so long. */
const live = Effect.fnUntraced(function*(
  one: One,
  wanted: typeof partitions | typeof lock,
  lasts: Effect.Effect<void>
) {
  const session = yield* one.hold({ ...wanted, expiry: one.expiry })
  const works = new Map<number, Fiber.Fiber<void>>()
  const take = (event: Holds.HoldEvent) => heed({ one, session, works, space: wanted.space }, event)
  const end = Effect.gen(function*() {
    // By a fiber of its own: this one has been interrupted, and would wait for nothing.
    const ended = yield* Effect.timeoutOption(
      Effect.interruptible(Fiber.interruptAll(works.values())),
      one.stopTimeout
    )
    yield* session.end(ended._tag === "Some")
  })
  return yield* Effect.raceFirst(Effect.forever(Effect.flatMap(Queue.take(session.events), take)), lasts).pipe(
    Effect.ensuring(end)
  )
})

const failures: ReadonlySet<string> = new Set(["Differs", "Full"])

interface Session {
  readonly one: One
  readonly session: Holds.Hold
  readonly space: string
  /** The newest work on each resource, which waits for those before it. */
  readonly works: Map<number, Fiber.Fiber<void>>
}

const heed = (at: Session, event: Holds.HoldEvent): Effect.Effect<void> => {
  const { one, works } = at
  switch (event._tag) {
    case "Granted":
      return Effect.map(
        Effect.forkDetach(work(at, event, works.get(event.resource)), { startImmediately: true }),
        (fiber) => void works.set(event.resource, fiber)
      )
    case "EndGrant": {
      const fiber = works.get(event.resource)
      // Nothing waits for its end.
      return fiber === undefined ? Effect.void : Effect.asVoid(Effect.forkDetach(Fiber.interrupt(fiber)))
    }
    case "HoldRefused":
      // A server that leaves may refuse what is asked for.
      return failures.has(event.why)
        ? Effect.sync(() => one.watcher.died(one.index, `${at.space} is refused: ${event.why}`))
        : Effect.void
  }
}

/** Works under a grant until it is to end, if that lasts when what was before it has ended. */
const work = (
  { one, session, space }: Session,
  { resource, token }: { readonly resource: number; readonly token: string },
  before: Fiber.Fiber<void> | undefined
): Effect.Effect<void> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      // A machine that was set back was granted what it does not know of: nobody tells that work to end.
      if (before !== undefined) yield* Fiber.interrupt(before)
      const isCurrent = (yield* session.token(resource)) === token
      if (isCurrent) yield* Effect.exit(restore(until(one, { space, resource, token })))
      yield* session.release(new Map([[resource, token]]))
    })
  )

/** Works until it is interrupted, and stops. */
const until = Effect.fnUntraced(function*(one: One, grant: GrantWork) {
  const tell = one.watcher.grants.workStarts(one, grant)
  const stop = yield* one.drawStop(() => tell("overran"))
  return yield* Effect.onInterrupt(
    Effect.never,
    () => Effect.andThen(stop, Effect.sync(() => tell("ended")))
  )
})
