/** Lets the time of a simulated run pass, and looks at the group whenever it has had the time to settle. */
import * as Effect from "effect/Effect"
import type * as Member from "../../protocol/model/Member.ts"
import type * as Timing from "../../protocol/model/Timing.ts"
import type * as SimulatedGroup from "../../testing/SimulatedGroup.ts"
import type * as Watcher from "../Watcher.ts"
import * as App from "./app.ts"

export interface Run {
  readonly group: SimulatedGroup.SimulatedGroup
  readonly watcher: Watcher.Watcher
  readonly timing: Timing.Timing
  /** Whether the run is over before its time. */
  readonly isDone: () => boolean
  /** Is told from time to time how many ms of the run have passed. */
  readonly progress: (millis: number) => Effect.Effect<void>
}

/** Lets time pass until then, or until the run is done. */
export const until = Effect.fnUntraced(function*(run: Run, end: number) {
  const { group, isDone, timing, watcher } = run
  for (;;) {
    // A whole ms: what is left of one by rounding would be no time to pass.
    const due = Math.ceil(watcher.disturbedAt + watcher.quiet.bound(timing, yield* group.running))
    if (due > end) return yield* pass(run, end)
    const seen = watcher.disturbedAt
    yield* pass(run, due)
    if (isDone()) return
    if (watcher.disturbedAt !== seen) continue
    yield* look(run, end)
    return yield* pass(run, end)
  }
})

// internal

const pass = Effect.fnUntraced(function*({ group, isDone, progress }: Run, end: number) {
  for (;;) {
    const now = yield* group.now
    if (end - now < 0.001 || isDone()) return
    // In pieces, so that there is something to see.
    yield* group.advance(Math.min(end - now, 30_000))
    yield* progress(end)
  }
})

/** The group has had the time to settle: looks at it, and again for as long as one that lost a lead waits. */
const look = Effect.fnUntraced(function*(run: Run, end: number) {
  const { group, isDone, watcher } = run
  const seen = watcher.disturbedAt
  const running = yield* group.running
  let again = watcher.settled(yield* group.now, running)
  // Else something may have happened at this very instant.
  if (watcher.quiet.isWhole(running)) {
    yield* askWhoIsThere(group, watcher)
    yield* App.compareReaders(group, watcher)
  }
  while (again !== null && Math.ceil((yield* group.now) + again) <= end && !isDone()) {
    yield* pass(run, Math.ceil((yield* group.now) + again))
    if (watcher.disturbedAt !== seen) return
    again = watcher.settled(yield* group.now, yield* group.running)
  }
})

const askWhoIsThere = Effect.fnUntraced(function*(
  group: SimulatedGroup.SimulatedGroup,
  watcher: Watcher.Watcher
) {
  const where = new Map<number, ReadonlyArray<Member.Address>>()
  const running = yield* group.running
  for (const index of running) where.set(index, yield* Effect.flatMap(group.host(index), ({ listening }) => listening))
  watcher.asked(yield* group.now, running, where)
})
