/**
 * How a group comes together, and comes together again, where multicast does not do it: seeds are asked until they
 * answer, members that fell silent are looked for, and two servers that see different members read each other's list.
 */
import * as HashMap from "effect/HashMap"
import * as Member from "../model/Member.ts"
import * as Reach from "../model/Reach.ts"
import type { Known, State } from "../model/State.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Timing from "../model/Timing.ts"
import * as Differences from "./Differences.ts"
import * as MemberLists from "./MemberLists.ts"
import * as Paths from "./Paths.ts"

/** A server before its start. */
export const make = (seeds: ReadonlyArray<Member.Address>): Reach.Contacts => ({
  seeds: seeds.slice(0, Timing.maxContacts),
  lost: [],
  comparedAt: -Infinity,
  differences: []
})

/** The names of the seeds have been resolved anew. An address that is new among them is asked at once. */
export const resolved = (context: StepContext, seeds: ReadonlyArray<Member.Address>): void => {
  const before = new Set(Reach.strangers(context.state))
  context.state.contacts = { ...context.state.contacts, seeds: seeds.slice(0, Timing.maxContacts) }
  const isOld = ({ ip, port }: Member.Address) => [...before].some((seed) => seed.ip === ip && seed.port === port)
  for (const seed of Reach.strangers(context.state)) if (!isOld(seed)) ask(context, seed)
}

/**
 * With each tick of discovery: the seeds that are no members are asked, unless the whole group just was, and one of those
 * that fell silent.
 */
export const seek = (context: StepContext, askedAll: boolean): void => {
  // With the whole group they are asked as well.
  const seeds = Reach.strangers(context.state)
  if (!askedAll) { for (const seed of seeds) ask(context, seed) }
  const { contacts, known } = context.state
  if (contacts.lost.length === 0) return
  // Where a later start is by now, under an id of its own, the one that is looked for is not.
  const taken = new Set(Array.from(HashMap.values(known), ({ address }) => Member.formatAddress(address)))
  const lost = contacts.lost.filter(({ address, id, until }) =>
    until > context.now.monotonic && !HashMap.has(known, id) && !taken.has(Member.formatAddress(address))
  )
  const asked = new Set(seeds.map(Member.formatAddress))
  const next = lost.find(({ address }) => !asked.has(Member.formatAddress(address)))
  if (next !== undefined) ask(context, next.address)
  context.state.contacts = {
    ...contacts,
    lost: next === undefined ? lost : [...lost.filter((one) => one !== next), next]
  }
}

const ask = (context: StepContext, to: Member.Address): void =>
  context.say(to, { type: "SERVER_PROBE", nonce: context.nonce() })

/**
 * A member was removed without a goodbye. Where no multicast of its would tell that it lives after all, it is looked for.
 */
export const lose = (context: StepContext, { address, member: { id } }: Known): void => {
  if (!comparesViews(context.state)) return
  const { contacts } = context.state
  const until = context.now.monotonic + Timing.lostFor
  const lost = [...contacts.lost.filter((one) => one.id !== id), { id, address, until }]
  context.state.contacts = { ...contacts, lost: lost.slice(-Timing.maxContacts) }
}

/** Whether a server may miss members that multicast would have told it of. */
const comparesViews = ({ contacts, timing }: State): boolean => !timing.multicast || contacts.seeds.length > 0

/**
 * The field of a sign of life by which two servers see that they do not see the same members. Where multicast tells all of
 * all, the leader says it, and so does a member that has found that its view differs.
 */
export const viewOf = (state: State): { readonly view?: number } =>
  comparesViews(state) || MemberLists.speaker(state) === state.self.id || Differences.isLasting(state)
    ? { view: MemberLists.viewDigest(state) }
    : {}

/**
 * A member says what it sees. Where that is not what we see, its list is read: where multicast does not tell all of all at
 * most twice in a heartbeat, and else where one of the two leads, and as `Differences` says.
 */
export const compare = (
  context: StepContext,
  { sender, view }: { readonly sender: Member.Member; readonly view?: number },
  from: Member.Address
): void => {
  if (view === undefined) return
  const { contacts, phase, timing, self } = context.state
  const difference = (view ^ MemberLists.viewDigest(context.state)) >>> 0
  // It has us in its view.
  if (difference === 0) Paths.noteHeardBy(context, sender.id)
  const speaker = MemberLists.speaker(context.state)
  const isAll = comparesViews(context.state)
  if (!isAll && speaker !== sender.id && speaker !== self.id) return
  if (difference === 0) return speaker === sender.id ? Differences.end(context) : undefined
  if (phase !== "Live" || context.hasTimer("page")) return
  // Not all who hear one heartbeat ask for the list at the same instant.
  const after = context.random() * Math.min(100, timing.heartbeatInterval / 10)
  if (isAll) {
    if (context.now.monotonic - contacts.comparedAt < timing.heartbeatInterval / 2) return
    context.state.contacts = { ...contacts, comparedAt: context.now.monotonic }
    return MemberLists.read(context, from, context.nonce(), after)
  }
  if (!Differences.isDue(context, difference, speaker === self.id)) return
  // It may be us whom it does not hear.
  if (speaker === sender.id) ask(context, from)
  // What it misses it asks us for.
  if (!MemberLists.hasDigest(context.state, difference)) MemberLists.compare(context, from, context.nonce(), after)
}
