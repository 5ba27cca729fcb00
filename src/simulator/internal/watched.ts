/** A server of a run as the watcher saw it last, and the leading work that runs there. */
import type * as Lease from "../../protocol/model/Lease.ts"
import type { Now, State } from "../../protocol/model/State.ts"
import * as Step from "../../protocol/Step.ts"
import type * as SimulatedNetwork from "../../testing/SimulatedNetwork.ts"
import * as Invariants from "../Invariants.ts"
import * as LeaseInvariants from "../LeaseInvariants.ts"
import * as StepInvariants from "../StepInvariants.ts"

/** A reign as its own leader saw it. `until` is null while it lasts. */
export interface Led {
  readonly server: number
  readonly term: number
  readonly from: number
  until: number | null
}

export interface Watched {
  readonly start: number
  readonly host: SimulatedNetwork.Host
  readonly since: number
  state: State
  past: StepInvariants.Past
  /** What its clocks showed at its last step. */
  seen: Pick<Now, "monotonic" | "sinceBoot">
  /** When it last found out that it had been paused, by its monotonic clock. */
  wokeAt: number
  /** When it was last ineligible in the election, too new to take the lead from another, or got another priority. */
  ineligibleAt: number
  led: Led | null
  /** Whether others have replaced it since it was last seen to run. */
  replaced: boolean
  readonly works: Set<Work>
}

/** Leading work that runs; `claim` is the last that was seen of what it runs under. */
export interface Work {
  readonly term: number
  claim: Lease.Claim | null
  overran: boolean
}

export const make = (
  of: Pick<Watched, "start" | "host" | "since" | "state" | "seen">
): Watched => ({
  ...of,
  past: StepInvariants.nothing,
  wokeAt: -Infinity,
  ineligibleAt: -Infinity,
  led: null,
  replaced: false,
  works: new Set()
})

export const clocksOf = ({ clock }: SimulatedNetwork.Host): Invariants.Clocks => ({
  monotonic: clock.monotonicMillis(),
  wall: clock.currentTimeMillisUnsafe(),
  sinceBoot: clock.sinceBoot()
})

/** The lease that a server holds for a term; null where it does not, or does no more. */
export const claimOf = ({ election: { claim } }: State, term: number): Lease.Claim | null =>
  claim !== null && claim.held && claim.term === term ? claim : null

/** Whether the lease that work runs under lasts, by the clocks that cannot be set, also where its reign was ended before. */
export const lasts = ({ host, state: { timing: { lease } } }: Watched, { claim }: Work): boolean =>
  claim !== null && lease !== null && LeaseInvariants.isLasting(claim, lease, clocksOf(host))

/** Whether a server leaves the lead to others, or did until this step. */
export const isIneligible = ({ election: { ineligibility, hasNoWork, overrun }, newcomer }: State): boolean =>
  overrun || hasNoWork || newcomer || ineligibility.until !== -Infinity

/** What a server sees, in a line. */
export const describe = (state: State): string =>
  `{${Step.view(state).members.map(({ name }) => name).join(" ")}, ${Invariants.formatReign(state.election.reign)}}`
