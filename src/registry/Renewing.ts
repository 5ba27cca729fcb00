/**
 * The session of a server: a renewal each sixth of its time, one at a time. It lasts from when a renewal was *sent*: what came of a
 * renewal that was not answered is not known, so it counts for nothing.
 */
import * as HashMap from "effect/HashMap"
import * as Lease from "../protocol/model/Lease.ts"
import type { RegistryFailed } from "./Registry.ts"
import type { RegistryContext } from "./RegistryContext.ts"

/** A session is renewed so often in its time. */
const perSession = 6

/** Without a session, so long at most between two tries, in ms. */
const longestWait = 2_000

/** So long after it was refused, in ms. */
const refusedWait = 10_000

/** Time between two renewals, in ms. */
export const interval = (context: RegistryContext): number =>
  context.state.session === null ? longestWait : context.state.session.ttl / perSession

/** Sends what is due. */
export const renew = (context: RegistryContext): void => {
  const { state } = context
  if (state.renewing !== null || state.phase === "Left" || !context.isPast(state.renewAt)) return
  const number = ++state.renewals
  state.renewing = { number, sentAt: Lease.instant(context.now) }
  context.outputs.push({ _tag: "Renew", number })
}

/** The session lasts anew. Another than before is a new one: what was bound to the former is gone. */
export const renewed = (
  context: RegistryContext,
  { number, session: id, ttl }: { readonly number: number; readonly session: string; readonly ttl: number }
): void => {
  const { state } = context
  if (state.renewing?.number !== number) return
  const { sentAt } = state.renewing
  const since = state.session?.id === id ? state.session.since : context.now.monotonic
  state.renewing = null
  state.session = { id, ttl, sentAt, since }
  state.renewAt = sentAt.monotonic + ttl / perSession
  state.trouble = { ...state.trouble, renewals: 0 }
  calm(context)
}

/** A renewal failed, or nothing is known of it. */
export const failed = (
  context: RegistryContext,
  { detail, kind, number }: {
    readonly number: number
    readonly kind: RegistryFailed["kind"]
    readonly detail: string
  }
): void => {
  const { state } = context
  if (state.renewing?.number !== number) return
  state.renewing = null
  if (kind === "SessionOver") return over(context)
  const renewals = state.trouble.renewals + 1
  state.trouble = { ...state.trouble, renewals }
  const wait = kind === "Refused"
    ? Math.max(refusedWait, interval(context))
    : Math.min(interval(context), 50 * 2 ** Math.min(renewals, 10)) * (0.5 + context.random() / 2)
  state.renewAt = context.now.monotonic + wait
  // One renewal of six that is lost is no news.
  if (kind === "Refused" || state.session === null || renewals > 1) tell(context, kind, detail)
}

/** The session is over by the word of the registry: the next renewal begins another. */
export const over = (context: RegistryContext): void => {
  context.state.session = null
  context.state.renewing = null
  context.state.renewAt = context.now.monotonic
  context.state.lanes = HashMap.map(
    context.state.lanes,
    (lane) => lane.id === null ? { ...lane, notBefore: -Infinity } : lane
  )
}

/** The watch has ended. It often does, so that is told where it does not come back at once. */
export const watchFailed = (
  context: RegistryContext,
  { detail, kind }: { readonly kind: RegistryFailed["kind"]; readonly detail: string }
): void => {
  const { state } = context
  state.isWatching = false
  const watches = state.trouble.watches + 1
  state.trouble = { ...state.trouble, watches }
  if (kind === "Refused" || watches > 1) tell(context, kind, detail)
}

/** What became of changes that were asked for: a right may be missing. */
export const committed = (context: RegistryContext, outcome: string, detail: string): void => {
  const { trouble } = context.state
  if (outcome === "Refused") {
    context.state.trouble = { ...trouble, commits: trouble.commits + 1 }
    tell(context, "Refused", detail)
  } else if (outcome === "done" && trouble.commits > 0) {
    context.state.trouble = { ...trouble, commits: 0 }
    calm(context)
  }
}

/** The watch goes on. */
export const watches = (context: RegistryContext): void => {
  context.state.isWatching = true
  context.state.trouble = { ...context.state.trouble, watches: 0 }
  calm(context)
}

/** Once, until all is well again. */
const tell = (context: RegistryContext, kind: RegistryFailed["kind"], detail: string): void => {
  if (context.state.trouble.isTold) return
  context.state.trouble = { ...context.state.trouble, isTold: true }
  const what = kind === "Refused" ? "the registry refuses this server" : "the registry is not reached"
  context.emit({ event: "NetworkChanged", what: `${what}: ${detail}` })
}

const calm = (context: RegistryContext): void => {
  const { commits, isTold, renewals, watches } = context.state.trouble
  if (!isTold || renewals + watches + commits > 0 || context.state.session === null || !context.state.isWatching) return
  context.state.trouble = { ...context.state.trouble, isTold: false }
  context.emit({ event: "NetworkChanged", what: "the registry is reached again" })
}
