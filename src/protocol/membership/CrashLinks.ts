/**
 * Crash links: connections between members that carry no message. The break of one says at once that the process at its other
 * end may be gone; after the sockets of JGroups' FD_SOCK.
 *
 * A break is a question, and no answer: a server that saw it asks the member as the sweeps do (`FailureDetector`). The host of one
 * whose process has died refuses both the port of its links and its UDP port: these are the two refusals that make a crash.
 * Any word of the member ends the matter, and so does that of a witness that has heard it since.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type * as Event from "../model/Event.ts"
import * as Member from "../model/Member.ts"
import type * as Message from "../model/Message.ts"
import type { LinkPeer } from "../model/Output.ts"
import type { CrashLink, CrashLinks, Known } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as FailureDetector from "./FailureDetector.ts"

/** One start of a server. */
export interface Start {
  readonly id: Member.NodeId
  readonly incarnation: number
}

/** A server before its start. */
export const none: CrashLinks = { kept: [], changedAt: -Infinity, links: HashMap.empty() }

/** How many keep a link to the leader besides its neighbours: those that rank highest. */
export const linksToLeader = 8

/** How soon after another change of who is there, and no sooner, the links change too, in ms; at the most a heartbeat. */
const changeInterval = 1_000

/** At most so long, in ms, does a server that saw a crash wait before it tells of it: another may tell first. */
const tellsWithin = 5

/** In ms: those that see a crash on one host, all at once, take as long as that. */
const tellsLaterBy = 15

/**
 * So many servers confirm a crash at once that they are told of. In a larger group they do so over a longer time, each two ms more:
 * a kernel refuses only so many of them in a second.
 */
const confirmAtOnce = 32

// --- Which links there are ---

/** With each step: where who is there, or who leads, has changed, the links change before long. */
export const follow = (context: StepContext, before: StepContext["state"]): void => {
  const { election: { reign }, members, self } = context.state
  if (members === before.members && reign?.leader.id === before.election.reign?.leader.id) return
  if (self.tcp !== undefined) changeSoon(context)
}

/** At an instant at random, so that not all who see a change connect at once; and at most once in a heartbeat. */
const changeSoon = (context: StepContext): void => {
  if (context.hasTimer("links")) return
  const { crashLinks: { changedAt }, timing: { heartbeatInterval } } = context.state
  const interval = Math.min(changeInterval, heartbeatInterval)
  const wait = Math.max(0, changedAt + interval - context.now.monotonic)
  context.setTimer("links", wait + context.random() * interval, { _tag: "Links" })
}

/** It is time to open those that are wanted, and to close the others. One that is not up is tried again later. */
export const change = (context: StepContext): void => {
  const { crashLinks } = context.state
  const kept = wanted(context)
  const missing = kept.filter((peer) => !isUp(crashLinks, peer))
  if (missing.length > 0 || !isSame(crashLinks.kept, kept)) context.outputs.push({ _tag: "KeepLinks", peers: kept })
  context.state.crashLinks = { ...crashLinks, kept, changedAt: context.now.monotonic }
  if (missing.length > 0) changeSoon(context)
}

/**
 * This server has other addresses now. From those before nothing leaves it any more, not even that its process is gone: the links
 * that it opened are opened anew.
 */
export const moved = (context: StepContext): void => {
  const { crashLinks } = context.state
  if (crashLinks.kept.length === 0) return
  context.state.crashLinks = { ...crashLinks, kept: [] }
  context.outputs.push({ _tag: "KeepLinks", peers: [] })
  changeSoon(context)
}

const isUp = ({ links }: CrashLinks, { id, incarnation }: Start): boolean =>
  Option.exists(HashMap.get(links, id), (link) => link.stage === "up" && link.incarnation === incarnation)

const isSame = (self: ReadonlyArray<LinkPeer>, that: ReadonlyArray<LinkPeer>): boolean =>
  self.length === that.length && self.every((peer, index) => {
    const other = that[index]!
    return Member.isSameStart(peer, other) && Member.formatAddress(peer.address) === Member.formatAddress(other.address)
  })

/** Of a pair the one with the lower id opens the link. */
const wanted = (context: StepContext): ReadonlyArray<LinkPeer> => {
  const { self } = context.state
  const ids = new Set([...neighbours(context), ...ofLeader(context)])
  return [...ids].filter((id) => id > self.id).sort().map((id) => peerOf(HashMap.getUnsafe(context.state.known, id)))
}

/** Where the links of a member are accepted: at the address that it is heard from. */
const peerOf = ({ address: { ip }, member: { id, incarnation, tcp } }: Known): LinkPeer => ({
  id,
  incarnation,
  address: { ip, port: tcp! }
})

const accepts = ({ tcp }: Member.Member): boolean => tcp !== undefined

/** The one before and the one after this server in the ring of ids. */
const neighbours = ({ state: { members, self } }: StepContext): ReadonlyArray<Member.NodeId> => {
  let [first, last, before, after] = Array.from({ length: 4 }, (): Member.NodeId | undefined => undefined)
  for (const member of members) {
    if (!accepts(member)) continue
    const { id } = member
    if (first === undefined || id < first) first = id
    if (last === undefined || id > last) last = id
    if (id < self.id && (before === undefined || id > before)) before = id
    if (id > self.id && (after === undefined || id < after)) after = id
  }
  return [before ?? last, after ?? first].filter((id) => id !== undefined)
}

/** The leader, for those of the others that rank highest; and for the leader, those. */
const ofLeader = ({ state: { election: { reign }, members, self } }: StepContext): ReadonlyArray<Member.NodeId> => {
  if (reign === null) return []
  const { leader } = reign
  const others = members.filter((member) => member.id !== leader.id && accepts(member))
  if (leader.id === self.id) return others.slice(0, linksToLeader).map(({ id }) => id)
  const above = others.filter((member) => Member.outranks(member, self)).length
  return above < linksToLeader && members.some((member) => Member.isSameStart(member, leader) && accepts(member))
    ? [leader.id]
    : []
}

// --- What happens to them ---

/** A link is up with that start of a member, which lives. */
export const up = (context: StepContext, { id, incarnation }: Start): void => {
  const known = memberOf(context, { id, incarnation })
  if (known === null) return
  const link = linkWith(context, id)
  if (link !== null && link.stage !== "up") FailureDetector.endCheck(context, id)
  note(context, id, { incarnation, ip: known.address.ip, stage: "up", isTried: false, since: context.now.monotonic })
}

/** The link with that start of a member is up no more, as either side gave it up: that says nothing of its life. */
export const left = (context: StepContext, { id, incarnation }: Start): void => {
  const link = linkWith(context, id)
  if (link?.stage !== "up" || link.incarnation !== incarnation) return
  forget(context, id)
  changeSoon(context)
}

/**
 * The link with that start of a member broke, and nobody said goodbye: it is asked. What a server finds broken when it has just
 * been paused, or does not know its group yet, is no evidence.
 */
export const broke = (context: StepContext, { id, incarnation }: Start): void => {
  const link = linkWith(context, id)
  if (link === null || link.incarnation !== incarnation || link.stage !== "up") return
  if (mayJudge(context)) note(context, id, { ...link, stage: "broke", since: context.now.monotonic })
  else forget(context, id)
  changeSoon(context)
  FailureDetector.askNow(context, id)
}

/** What came of trying again to connect to that start of a member. Why it must go now, if so. */
export const tried = (
  context: StepContext,
  { id, incarnation, outcome }: Start & { readonly outcome: "Refused" | "Inconclusive" }
): Event.Reason | null => {
  const link = linkWith(context, id)
  if (link === null || link.incarnation !== incarnation || link.stage === "up") return null
  const known = HashMap.getUnsafe(context.state.known, id)
  // Where it has moved, another may have its former address.
  if (outcome === "Refused" && mayJudge(context) && known.address.ip === link.ip) {
    if (FailureDetector.isAsked(context, id)) {
      note(context, id, { ...link, isTried: true })
      return FailureDetector.linkRefused(context, id)
    }
    // What was heard since the break may have been under way before. What is refused after it says more.
    if (link.stage === "broke" && accepts(known.member)) return tryAgain(context, known, link)
  }
  forget(context, id)
  FailureDetector.check(context, id, { ofLead: false })
  return null
}

const tryAgain = (context: StepContext, known: Known, link: CrashLink): null => {
  note(context, known.member.id, { ...link, stage: "again" })
  FailureDetector.askNow(context, known.member.id)
  context.outputs.push({ _tag: "TryLink", peer: peerOf(known) })
  return null
}

/** Somebody says that it saw a member crash: this server finds out for itself, and tells nobody any more. */
export const told = (context: StepContext, { gone }: Message.Of<"CRASHED">): void => {
  context.clearTimer(tellKey(gone.id))
  const known = memberOf(context, gone)
  if (known === null || !mayJudge(context) || context.hasTimer(confirmKey(gone.id))) return
  const spread = 2 * Math.max(0, context.state.members.length - confirmAtOnce)
  if (spread === 0) return confirm(context, gone)
  context.setTimer(confirmKey(gone.id), context.random() * spread, { _tag: "ConfirmCrash", ...gone })
}

/** Asks a member of which it was told that it crashed. What says so is whether its host refuses both ports. */
export const confirm = (context: StepContext, gone: Start): void => {
  // What is to be confirmed of one that is gone by then, or has started again, is forgotten with it.
  const known = HashMap.getUnsafe(context.state.known, gone.id)
  const link = linkWith(context, gone.id)
  // It is being found out.
  if (link !== null && isFoundOut(context, gone.id, link)) return
  FailureDetector.askNow(context, gone.id)
  // While a link of our own is up with it, its break is waited for.
  if (link?.stage === "up" || !accepts(known.member) || !accepts(context.state.self)) return
  const since = context.now.monotonic
  note(context, gone.id, { incarnation: gone.incarnation, ip: known.address.ip, stage: "told", isTried: false, since })
  context.outputs.push({ _tag: "TryLink", peer: peerOf(known) })
}

/** What was refused before the last word of the member, which ended that, says nothing of a question asked since. */
const isFoundOut = (context: StepContext, id: Member.NodeId, { isTried, stage }: CrashLink): boolean =>
  stage !== "up" && FailureDetector.isAsked(context, id) && (!isTried || FailureDetector.isLinkRefused(context, id))

/**
 * A member is removed for a crash. Who saw its link break tells the others after a moment, unless somebody has by then. Since
 * when it is gone; null where its links have no part in that.
 */
export const crashed = (context: StepContext, id: Member.NodeId): number | null => {
  const link = linkWith(context, id)
  if (link === null || !FailureDetector.isLinkRefused(context, id)) return null
  const { incarnation, since, stage } = link
  if (stage !== "told") {
    const after = tellingAfter(context, id) + context.random() * tellsWithin
    context.setTimer(tellKey(id), after, { _tag: "TellCrash", id, incarnation })
  }
  return since
}

/** In a group in which all keep a link to the leader, they are given the time to see its crash for themselves. */
const tellingAfter = ({ state: { election: { reign }, members } }: StepContext, id: Member.NodeId): number =>
  reign?.leader.id === id && members.length <= linksToLeader && members.every(accepts) ? tellsLaterBy : 0

/** After a pause: what was gathered before it is no evidence any more. */
export const forgive = (context: StepContext): void => {
  for (const [id, { stage }] of context.state.crashLinks.links) if (stage !== "up") forget(context, id)
  for (const { key } of context.state.timers) {
    if (key.startsWith(tellKey("")) || key.startsWith(confirmKey(""))) context.clearTimer(key)
  }
}

/** Nothing more is known of the link with one. */
export const forget = (context: StepContext, id: Member.NodeId): void => {
  const { crashLinks } = context.state
  context.clearTimer(confirmKey(id))
  if (!HashMap.has(crashLinks.links, id)) return
  context.state.crashLinks = { ...crashLinks, links: HashMap.remove(crashLinks.links, id) }
}

// internal

const tellKey = (id: string) => `crashed:${id}`
const confirmKey = (id: string) => `confirm:${id}`

const note = (context: StepContext, id: Member.NodeId, link: CrashLink): void => {
  const { crashLinks } = context.state
  context.state.crashLinks = { ...crashLinks, links: HashMap.set(crashLinks.links, id, link) }
}

const linkWith = ({ state }: StepContext, id: Member.NodeId): CrashLink | null =>
  Option.getOrNull(HashMap.get(state.crashLinks.links, id))

const memberOf = (context: StepContext, start: Start): Known | null =>
  Option.getOrNull(Option.filter(context.known(start.id), ({ member }) => Member.isSameStart(member, start)))

/** Not before it knows its group, and not by what waited while it was paused. */
const mayJudge = ({ now, state: { drainUntil, phase } }: StepContext): boolean =>
  (phase === "Live" || phase === "Leaving") && now.monotonic >= drainUntil
