/**
 * A clock that counts on while the machine is suspended, which the monotonic clock of most platforms does not: by it a
 * server that slept knows that it stood still, and a leader that its lease is over.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"

/**
 * Milliseconds since the machine started, suspensions included; never set back. It may answer too much after a suspension,
 * never too little. Undefined where the platform has no such clock: then the wall clock alone tells of a suspension, and a leader
 * with a lease alone is told.
 *
 * @category services
 * @since 0.1.0
 */
export const SinceBoot = Context.Reference<(() => number) | undefined>("bellwether/transport/SinceBoot", {
  defaultValue: () => undefined
})

/** What is read of the two clocks of the platform: the coarse one counts suspensions, the fine one does not. */
interface Platform {
  /** Ms since the machine started, suspensions included, cut to a multiple of some granularity. */
  readonly coarse: () => number
  /** Ms on the monotonic clock. */
  readonly fine: () => number
}

/**
 * A fine clock out of a coarse one that counts suspensions and a fine one that does not. A suspension is seen where the
 * coarse one has gone further ahead than cutting explains, and is counted with all that may have been cut off; one shorter
 * than twice that is not seen.
 *
 * @category constructors
 * @since 0.1.0
 */
export const combine = ({ coarse, fine }: Platform): () => number => {
  const first = coarse()
  // Hundredths of a second on Linux, whole ones elsewhere.
  const cut = first % 1_000 === 0 ? 1_000 : 10
  // How far the coarse clock is ahead, at least, and by how much this one is.
  let least = first - fine()
  let ahead = least
  return () => {
    // In this order: a process that is stopped between the two takes that for no suspension.
    const uptime = coarse()
    const now = fine()
    const seen = uptime - now
    if (seen > least + cut) ahead += seen + cut - least
    least = Math.max(least, seen)
    return now + ahead
  }
}
