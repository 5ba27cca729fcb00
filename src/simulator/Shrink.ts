/**
 * Makes a failing run short: leaves out of its story what is not needed for the failure, so that what is left tells how
 * it comes about.
 *
 * After Zeller and Hildebrandt, *Simplifying and Isolating Failure-Inducing Input* (2002): pieces of the story are left
 * out, large ones first, for as long as the same invariant is still broken; then links of those that are missing.
 */
import * as Effect from "effect/Effect"
import type * as Server from "../server/Server.ts"
import type * as Faults from "./Faults.ts"
import * as Simulation from "./Simulation.ts"

/**
 * Shrinks a failing run. Each attempt is a run, so it is bounded: by `attempts`, 300 unless set. The report is that of the
 * shortest story found, which breaks the same invariant first as the given one did. `tell` hears of each shorter one.
 *
 * A report without a violation comes back as it is.
 */
export const shrink = Effect.fnUntraced(function*(
  options: Simulation.Options,
  failed: Simulation.Report,
  { attempts = 300, tell = () => Effect.void }: {
    readonly attempts?: number | undefined
    readonly tell?: ((faults: number, left: number) => Effect.Effect<void>) | undefined
  } = {}
): Effect.fn.Return<Simulation.Report, Server.ServerError> {
  const [first] = failed.violations
  if (first === undefined) return failed
  let best = failed
  const tries = { left: attempts }
  const breaks = Effect.fnUntraced(function*(story: ReadonlyArray<Faults.Fault>, millis: number) {
    tries.left -= 1
    const report = yield* Simulation.run({ ...options, faults: story, millis, untilViolation: true })
    if (report.violations[0]?.invariant !== first.invariant) return false
    best = report
    yield* tell(story.length, tries.left)
    return true
  })
  // What comes after the violation has no part in it.
  const until = Math.ceil(first.at) + 1
  if (!(yield* breaks(failed.story.filter(({ at }) => at <= until), until))) return failed

  // --- Fewer faults ---

  let size = Math.ceil(best.story.length / 2)
  while (size >= 1 && tries.left > 0) {
    let shorter = false
    for (let from = 0; from < best.story.length && tries.left > 0;) {
      const story = best.story.toSpliced(from, size)
      // A shorter story may take longer to break: as long as it may after its last fault.
      const end = Math.max(until, ...story.map(({ at }) => at + 3 * best.settlesWithin))
      if (yield* breaks(story, end)) shorter = true
      else from += size
    }
    if (!shorter || size > best.story.length) size = size === 1 ? 0 : Math.ceil(size / 2)
  }

  // --- Fewer links ---

  for (let index = 0; index < best.story.length; index++) {
    for (let from = 0; tries.left > 0;) {
      const fault = best.story[index]
      if (fault?.kind !== "links" || fault.missing.length <= Math.max(1, from)) break
      const story = best.story.with(index, { ...fault, missing: fault.missing.toSpliced(from, 1) })
      if (!(yield* breaks(story, until))) from += 1
    }
  }

  // --- Sooner ---

  const [start] = best.story
  if (start !== undefined && tries.left > 0) {
    const by = start.at - best.settlesWithin
    const story = best.story.map((fault) => ({ ...fault, at: fault.at - by }))
    if (by > 0) yield* breaks(story, Math.ceil(best.violations[0]!.at) + best.settlesWithin)
  }
  return best
})
