/** What a server knows at one instant, in the form that it has on the LAN. */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type * as Member from "../protocol/model/Member.ts"
import type { Now } from "../protocol/model/State.ts"
import type * as Status from "../protocol/Status.ts"
import { left } from "./RegistryContext.ts"
import * as RegistryState from "./RegistryState.ts"
import * as RegistryStep from "./RegistryStep.ts"

/**
 * When all members were last heard of: the registry answers for them all, so that is when it last renewed this server's session.
 */
export const lastHeard = (
  { session, startedAt }: Pick<RegistryState.State, "session" | "startedAt">,
  { monotonic }: Pick<Now, "monotonic">
): typeof Status.LastHeard.Type => ({
  ago: Math.max(0, Math.round(monotonic - (session?.sentAt.monotonic ?? startedAt))),
  via: "registry",
  unicastOnly: false,
  through: null
})

/** Whether the registry is reached. Who does not reach it knows who was there, and not who is. */
export const phaseOf = (state: RegistryState.State, now: Now): Status.Status["phase"] =>
  state.phase === "Live" && !(state.isWatching && left(state.session, state.timing.drift, now) > 0)
    ? "Recovering"
    : state.phase

/** What a state shows at that instant. What only the LAN has is empty. */
export const of = (state: RegistryState.State, now: Now): Status.Status => {
  const { renewAt, self, startedAt } = state
  const heard = lastHeard(state, now)
  return {
    at: now.wall,
    phase: phaseOf(state, now),
    uptime: Math.round(now.monotonic - startedAt),
    self,
    members: RegistryStep.view(state).members.map((member) => seen(member, member.id === self.id ? null : heard)),
    elections: RegistryState.elections(state).map((name) => election(state, name, now)),
    upcoming: Number.isFinite(renewAt)
      ? [{ timer: "Renew", election: null, about: null, in: Math.max(0, Math.ceil(renewAt - now.monotonic)) }]
      : [],
    votesIn: null,
    clients: 0,
    lag: 0
  }
}

const seen = (
  member: Member.Member,
  heard: typeof Status.LastHeard.Type | null
): Status.Status["members"][number] => ({ ...member, heard, asked: 0, page: null })

const election = (state: RegistryState.State, name: string, now: Now): Status.Status["elections"][number] => {
  const { freeSince, ineligibility, last, own, reign, vacancy } = RegistryState.election(state, name)!
  const lane = Option.getOrNull(HashMap.get(state.lanes, `lead ${name}`))
  const isStanding = lane !== null && lane.id !== null && lane.purpose._tag === "Lead"
  const rest = ineligibility.until - now.monotonic
  return {
    name,
    reign,
    term: (reign ?? last)?.term ?? 0,
    through: null,
    leads: RegistryStep.leads(state, now, name) !== null,
    vacant: reign === null ? Math.max(0, Math.round(now.monotonic - vacancy.since)) : null,
    activity: isStanding ? "Standing" : freeSince === null ? "Idle" : "Pending",
    ineligible: Number.isFinite(rest) ? Math.max(0, Math.ceil(rest)) : 0,
    lease: own === null ? null : {
      held: true,
      left: Math.max(0, Math.floor(left(state.session, state.timing.drift, now))),
      votes: [],
      acknowledged: []
    },
    promise: null
  }
}
