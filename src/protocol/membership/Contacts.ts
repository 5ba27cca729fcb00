/**
 * How a group comes together, and comes together again, where multicast does not do it: seeds are asked until they
 * answer, members that fell silent are looked for, and two servers that see different members read each other's list.
 */
import * as HashMap from "effect/HashMap"
import * as Member from "../model/Member.ts"
import * as Reach from "../model/Reach.ts"
import * as Rules from "../model/Rules.ts"
import type { Known, State, Turn } from "../model/Turn.ts"
import * as Differences from "./Differences.ts"
import * as MemberLists from "./MemberLists.ts"
import * as Paths from "./Paths.ts"

/** A server before its start. */
export const make = (seeds: ReadonlyArray<Member.Address>): Reach.Contacts => ({
  seeds: seeds.slice(0, Rules.maxContacts),
  lost: [],
  comparedAt: -Infinity,
  differences: []
})

/** The names of the seeds have been resolved anew. Whoever is new among them is asked at once. */
export const resolved = (turn: Turn, seeds: ReadonlyArray<Member.Address>): void => {
  const before = new Set(Reach.strangers(turn.state))
  turn.state.contacts = { ...turn.state.contacts, seeds: seeds.slice(0, Rules.maxContacts) }
  const isOld = ({ ip, port }: Member.Address) => [...before].some((seed) => seed.ip === ip && seed.port === port)
  for (const seed of Reach.strangers(turn.state)) if (!isOld(seed)) ask(turn, seed)
}

/**
 * With each tick of discovery: the seeds that are no members are asked, unless the whole group just was, and one of those
 * that fell silent.
 */
export const seek = (turn: Turn, askedAll: boolean): void => {
  if (!askedAll) { for (const seed of Reach.strangers(turn.state)) ask(turn, seed) }
  const { contacts, known } = turn.state
  if (contacts.lost.length === 0) return
  // Where a later start is by now, under an id of its own, the one that is looked for is not.
  const taken = new Set(Array.from(HashMap.values(known), ({ address }) => Member.formatAddress(address)))
  const [next, ...others] = contacts.lost.filter(({ address, id, until }) =>
    until > turn.now.monotonic && !HashMap.has(known, id) && !taken.has(Member.formatAddress(address))
  )
  if (next !== undefined) ask(turn, next.address)
  turn.state.contacts = { ...contacts, lost: next === undefined ? [] : [...others, next] }
}

const ask = (turn: Turn, to: Member.Address): void => turn.say(to, { type: "SERVER_PROBE", nonce: turn.nonce() })

/**
 * A member was removed without a goodbye. Where no multicast of its would tell that it lives after all, it is looked for.
 */
export const lose = (turn: Turn, { address, member: { id } }: Known): void => {
  if (!comparesViews(turn.state)) return
  const { contacts } = turn.state
  const until = turn.now.monotonic + Rules.lostFor
  const lost = [...contacts.lost.filter((one) => one.id !== id), { id, address, until }]
  turn.state.contacts = { ...contacts, lost: lost.slice(-Rules.maxContacts) }
}

/** Whether a server may miss members that multicast would have told it of. */
const comparesViews = ({ contacts, rules }: State): boolean => !rules.multicast || contacts.seeds.length > 0

/**
 * The field of a sign of life by which two servers see that they do not see the same members. Where multicast tells all of
 * all the leader says it, and whoever has found that its view differs.
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
  turn: Turn,
  { sender, view }: { readonly sender: Member.Member; readonly view?: number },
  from: Member.Address
): void => {
  if (view === undefined) return
  const { contacts, phase, rules, self } = turn.state
  const difference = (view ^ MemberLists.viewDigest(turn.state)) >>> 0
  // It has us in its view.
  if (difference === 0) Paths.noteHeardBy(turn, sender.id)
  const speaker = MemberLists.speaker(turn.state)
  const isAll = comparesViews(turn.state)
  if (!isAll && speaker !== sender.id && speaker !== self.id) return
  if (difference === 0) return speaker === sender.id ? Differences.end(turn) : undefined
  if (phase !== "Live" || turn.hasTimer("page")) return
  // Not all who hear one heartbeat ask for the list at the same instant.
  const after = turn.random() * Math.min(100, rules.heartbeatInterval / 10)
  if (isAll) {
    if (turn.now.monotonic - contacts.comparedAt < rules.heartbeatInterval / 2) return
    turn.state.contacts = { ...contacts, comparedAt: turn.now.monotonic }
    return MemberLists.read(turn, from, turn.nonce(), after)
  }
  if (!Differences.isDue(turn, difference, speaker === self.id)) return
  // It may be us whom it does not hear.
  if (speaker === sender.id) ask(turn, from)
  // What it misses it asks us for.
  if (!MemberLists.hasDigest(turn.state, difference)) MemberLists.compare(turn, from, turn.nonce(), after)
}
