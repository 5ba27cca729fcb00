/**
 * One server's whole part in a group that a registry keeps, as one function: what it was, what happened, and what time it is, to
 * what it is now and what is to be done. Every input goes through {@link step}; nothing else changes its state.
 *
 * A step takes in what has happened, and then brings all that follows from the state up to date. So the order in which an answer
 * and what the watch tells of it come does not matter, and what was not heard is made good by the next picture.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Election from "../protocol/model/Election.ts"
import * as Member from "../protocol/model/Member.ts"
import type * as Reign from "../protocol/model/Reign.ts"
import type { Now } from "../protocol/model/State.ts"
import type * as Step from "../protocol/Step.ts"
import * as Announcing from "./Announcing.ts"
import * as Enclosing from "./Enclosing.ts"
import * as Following from "./Following.ts"
import * as Marking from "./Marking.ts"
import * as Mirror from "./Mirror.ts"
import { RegistryContext } from "./RegistryContext.ts"
import * as Keys from "./RegistryKeys.ts"
import * as RegistryState from "./RegistryState.ts"
import * as Reigning from "./Reigning.ts"
import * as Renewing from "./Renewing.ts"
import * as Roster from "./Roster.ts"
import * as Standing from "./Standing.ts"

export { make } from "./RegistryState.ts"

/** What a state shows of the group. */
export const view = ({ group, members, self }: RegistryState.State): Step.View => ({
  self,
  members: [self, ...members].sort((one, other) => Member.compareRank(other, one)),
  reign: group.reign,
  term: (group.reign ?? group.last)?.term ?? 0
})

/** Whether two states show the same. */
export const showsSame = (before: RegistryState.State, after: RegistryState.State): boolean =>
  before.members === after.members && before.self === after.self && before.group.reign === after.group.reign
  && before.group.last === after.group.last

/** The reign of this server's own in an election, if it leads now: by its state, and by the clock. */
export const leads = (
  state: RegistryState.State,
  now: Pick<Now, "monotonic" | "wall" | "sinceBoot">,
  name: string
): Reign.Reign | null => {
  const own = RegistryState.ownReign(state, name)
  return own !== null && Reigning.lasts(state, now) ? own : null
}

/** Why the lead of an election cannot be handed to a member; null where it can. */
export const transferRefusal = (
  state: RegistryState.State,
  to: Member.NodeId,
  name: string
): "NotLeading" | "NoSuchMember" | null =>
  RegistryState.ownReign(state, name) === null
    ? "NotLeading"
    : state.members.some(({ id }) => id === to) && Mirror.candidate(state.mirror, name, to) !== null
    ? null
    : "NoSuchMember"

/** Whether this server may take part in one more election, or does in this one. */
export const hasRoom = (state: RegistryState.State, name: string): boolean =>
  HashMap.has(state.named, name)
  || Array.from(HashMap.values(state.named)).filter(({ withdrawn }) => !withdrawn).length < Election.maxNamed

/** When something is due, on the monotonic clock; Infinity where nothing is. */
export const dueAt = ({ due }: RegistryState.State): number => due

/** The one transition. Never throws. */
export const step = (
  state: RegistryState.State,
  input: RegistryState.Input,
  now: Now
): readonly [RegistryState.State, ReadonlyArray<RegistryState.Output>] => {
  if (state.phase === "Left") return [state, []]
  const context = new RegistryContext(state, now)
  Reigning.expire(context)
  act(context, input)
  settle(context, state, input._tag === "Picture")
  context.state.due = context.state.phase === "Left" ? Infinity : context.due
  return [context.state, context.outputs]
}

/** Brings up to date what follows from the state. */
const settle = (context: RegistryContext, before: RegistryState.State, isPicture: boolean): void => {
  if (context.state.mirror !== before.mirror) {
    Roster.follow(context, isPicture)
    takeUpForgotten(context)
  }
  Announcing.lookForAnother(context)
  if (context.state.phase === "Discovering" && Announcing.isMember(context)) context.state.phase = "Live"
  Reigning.look(context, isPicture)
  if (context.state.isDisplaced) { for (const name of context.elections) Reigning.end(context, name, "Replaced") }
  for (const name of context.elections) {
    Following.follow(context, name)
    const candidates = Standing.candidates(context, name)
    Reigning.makeWay(context, name, candidates)
    Reigning.release(context, name)
    Standing.lookAtPlace(context, name)
    Standing.stand(context, name, candidates)
    // What was forgotten by a release is followed no more.
    Following.follow(context, name)
  }
  forgetWithdrawn(context)
  Announcing.announce(context)
  Marking.goOn(context)
  Reigning.expire(context)
  Renewing.renew(context)
  leave(context)
}

const act = (context: RegistryContext, input: RegistryState.Input): void => {
  const { state } = context
  switch (input._tag) {
    case "Start":
      state.renewAt = context.now.monotonic
      context.emit({ event: "Started", self: state.self })
      break
    case "Picture":
      state.mirror = Mirror.picture(state.mirror, input.entries)
      freeLanes(context)
      Renewing.watches(context)
      break
    case "Put":
      state.mirror = Mirror.put(state.mirror, input.entry)
      freeLanes(context, input.entry.key)
      break
    case "Gone":
      state.mirror = Mirror.remove(state.mirror, input.key)
      context.gone.set(input.key, input.why)
      freeLanes(context, input.key)
      break
    case "WatchFailed":
      Renewing.watchFailed(context, input)
      break
    case "Renewed":
      Renewing.renewed(context, input)
      break
    case "RenewFailed":
      Renewing.failed(context, input)
      break
    case "Committed":
      committed(context, input)
      break
    case "Describe":
      describe(context, input.description)
      break
    case "Heard":
      state.highest = Math.max(state.highest, input.term)
      break
    case "MarkRun": {
      const { job, leadership, mark, request } = input
      Marking.ask(context, { job, leadership, mark, request })
      break
    }
    case "Campaign":
      campaign(context, input.election)
      break
    case "Leave":
      state.phase = "Leaving"
      for (const name of context.elections) Reigning.end(context, name, "Left")
      break
    case "Due":
      break
    default:
      lead(context, input)
  }
}

type OfElection = Exclude<Extract<RegistryState.Input, { readonly election?: string }>, { readonly _tag: "Campaign" }>

/** What the app does about an election that this server takes part in. */
const lead = (context: RegistryContext, input: OfElection): void => {
  const name = input.election ?? Election.ofGroup
  const election = RegistryState.election(context.state, name)
  if (election === undefined) return
  const { memberTimeout } = context.state.timing
  const own = RegistryState.ownReign(context.state, name)
  switch (input._tag) {
    case "WorkEnded":
      return Reigning.workEnded(context, name, input.finished ?? true)
    case "Enclose":
      context.change(name, { enclosing: input.term })
      if (own !== null && !Enclosing.encloses(context, name, own.term)) Reigning.end(context, name, "Resigned")
      return
    case "WorkIdle":
      return Reigning.workIdle(context, name, input.term)
    case "WorkOverran":
      context.change(name, { overrun: true })
      if (own !== null && own.term !== input.term) giveUp(context, name, "WorkOverran", memberTimeout)
      return
    case "WorkFinished":
      return context.change(name, { overrun: false })
    case "WorkGivenUp":
      context.change(name, { hasNoWork: true })
      return giveUp(context, name, "Resigned", memberTimeout)
    case "WorkOffered":
      return context.change(name, { hasNoWork: false })
    case "Resign":
      return giveUp(context, name, "Resigned", memberTimeout)
    case "StepDown":
      context.change(name, { ineligibility: { until: context.now.monotonic + input.millis, isFirm: true } })
      return Reigning.end(context, name, "Resigned", successor(context, name))
    case "Transfer":
      if (transferRefusal(context.state, input.to, name) !== null) return
      return giveUp(context, name, "Transferred", memberTimeout, input.to)
    case "Withdraw":
      if (name === Election.ofGroup) return
      context.change(name, { withdrawn: true })
      return Reigning.end(context, name, "Left")
  }
}

/** The highest ranked of those that would take the lead. */
const successor = (context: RegistryContext, name: string): Member.NodeId | null =>
  Standing.candidates(context, name).find(({ says }) => says.stands)?.member.id ?? null

const giveUp = (
  context: RegistryContext,
  name: string,
  cause: "Resigned" | "Transferred" | "WorkOverran",
  millis: number,
  to = successor(context, name)
): void => {
  if (RegistryState.ownReign(context.state, name) === null) return
  if (!context.election(name).ineligibility.isFirm) {
    context.change(name, { ineligibility: { until: context.now.monotonic + millis, isFirm: false } })
  }
  Reigning.end(context, name, cause, to)
}

/** A name that may not be one, or one too many, is ignored: the caller asks first. */
const campaign = (context: RegistryContext, name: string): void => {
  if (!Election.isName(name) || !hasRoom(context.state, name)) return
  const before = RegistryState.election(context.state, name)
  context.state.named = HashMap.set(
    context.state.named,
    name,
    before === undefined ? RegistryState.makeElection(context.now.monotonic) : { ...before, withdrawn: false }
  )
}

/** An election is kept until the key of this server is given back, and known to be. */
const forgetWithdrawn = (context: RegistryContext): void => {
  const { mirror, self, session } = context.state
  for (const [name, { own, withdrawn }] of context.state.named) {
    if (!withdrawn || own !== null || isUnderWay(context, `lead ${name}`)) continue
    if (session !== null && Mirror.leadsBy(mirror, self, session.id).includes(name)) continue
    context.state.named = HashMap.remove(context.state.named, name)
  }
}

/** A key whose answer never came may come to this server when it takes part no more: then it gives it back. */
const takeUpForgotten = (context: RegistryContext): void => {
  const { mirror, self, session } = context.state
  if (session === null) return
  for (const name of Mirror.leadsBy(mirror, self, session.id)) {
    if (RegistryState.election(context.state, name) !== undefined) continue
    const election = { ...RegistryState.makeElection(context.now.monotonic), withdrawn: true }
    context.state.named = HashMap.set(context.state.named, name, election)
  }
}

const describe = (context: RegistryContext, { priority, tags }: Pick<Member.Member, "priority" | "tags">): void => {
  const before = context.state.self
  const entries = Object.entries(tags)
  const isSame = before.priority === priority && entries.length === Object.keys(before.tags).length
    && entries.every(([key, text]) => before.tags[key] === text)
  if (isSame) return
  const revision = Math.min((before.revision ?? 0) + 1, Member.maxRevision)
  context.state.self = { ...before, priority, tags, revision }
  context.emit({ event: "MemberChanged", before, after: context.state.self })
}

// --- Changes that were asked for ---

const isUnderWay = ({ state: { lanes } }: RegistryContext, lane: string): boolean =>
  Option.match(HashMap.get(lanes, lane), { onNone: () => false, onSome: ({ id }) => id !== null })

/** What the watch tells may be what an answer was waited for: it is looked at again. */
const freeLanes = (context: RegistryContext, key?: string): void => {
  const { lanes, self } = context.state
  if (HashMap.isEmpty(lanes)) return
  const place = key === undefined ? null : Keys.placeOf(key)
  context.state.lanes = HashMap.filter(
    lanes,
    ({ id, purpose }) => id !== null || !(key === undefined || (place !== null && concerns(place, purpose, self.id)))
  )
}

/** Whether an entry has a part in what was asked for. */
const concerns = (place: Keys.Place, purpose: RegistryState.Purpose, self: Member.NodeId): boolean => {
  switch (place._tag) {
    case "Member":
      return place.id === self && purpose._tag !== "Mark"
    case "Candidate":
      return place.id === self && purpose._tag === "Announce"
    case "Job":
      return purpose._tag === "Mark"
    default:
      return purpose._tag === "Mark" || ("election" in purpose && purpose.election === place.election)
  }
}

/**
 * A change was made, or not, or nobody knows. It is asked for again where the watch has told what came of it, or has told nothing
 * for the time of a renewal.
 */
const committed = (
  context: RegistryContext,
  { detail = "", id, outcome }: Extract<RegistryState.Input, { readonly _tag: "Committed" }>
): void => {
  const found = [...HashMap.entries(context.state.lanes)].find(([, lane]) => lane.id === id)
  if (found === undefined) return
  const [key, lane] = found
  const wait = outcome === "Refused" ? Math.max(10_000, Renewing.interval(context)) : Renewing.interval(context)
  context.state.lanes = HashMap.set(context.state.lanes, key, {
    ...lane,
    id: null,
    notBefore: context.now.monotonic + wait
  })
  Renewing.committed(context, outcome, detail)
  if (outcome === "SessionOver" && lane.session === context.state.session?.id) return Renewing.over(context)
  if (outcome !== "done") return
  const { purpose } = lane
  if (purpose._tag === "Lead" && RegistryState.election(context.state, purpose.election) !== undefined) {
    Reigning.begin(context, purpose.election, purpose.reign, lane.session)
  }
  if (purpose._tag === "Release" && context.election(purpose.election).own?.reign.term === purpose.term) {
    Reigning.forget(context, purpose.election)
    context.change(purpose.election, { returned: purpose.term })
  }
  if (purpose._tag === "Mark") Marking.answer(context, purpose.request, purpose.known)
}

// --- The end ---

/** Says goodbye once all leading work has ended, and what is under way for the lead is known. */
const leave = (context: RegistryContext): void => {
  if (context.state.phase !== "Leaving") return
  if (context.elections.some((name) => context.election(name).own !== null)) return
  context.state.phase = "Left"
  context.emit({ event: "Left" })
  context.outputs.push({ _tag: "Farewell", closes: !context.state.leavesWork })
}
