/**
 * How a group comes together, and comes together again, where multicast does not do it: seeds are asked until they
 * answer, members that fell silent are looked for, and two servers that see different members read each other's list.
 *
 * @since 0.1.0
 */
import * as HashMap from "effect/HashMap"
import * as Member from "./Member.ts"
import * as MemberLists from "./MemberLists.ts"
import * as Reach from "./Reach.ts"
import * as Rules from "./Rules.ts"
import type { Known, State, Turn } from "./Turn.ts"

/**
 * A server before its start.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (seeds: ReadonlyArray<Member.Address>): Reach.Contacts => ({
  seeds: seeds.slice(0, Rules.maxContacts),
  lost: [],
  comparedAt: -Infinity
})

/**
 * The names of the seeds have been resolved anew. Whoever is new among them is asked at once.
 *
 * @category transitions
 * @since 0.1.0
 */
export const resolved = (turn: Turn, seeds: ReadonlyArray<Member.Address>): void => {
  const before = new Set(Reach.strangers(turn.state))
  turn.state.contacts = { ...turn.state.contacts, seeds: seeds.slice(0, Rules.maxContacts) }
  const isOld = ({ ip, port }: Member.Address) => [...before].some((seed) => seed.ip === ip && seed.port === port)
  for (const seed of Reach.strangers(turn.state)) if (!isOld(seed)) ask(turn, seed)
}

/**
 * With each tick of discovery: the seeds that are no members are asked, unless the whole group just was, and one of those
 * that fell silent.
 *
 * @category transitions
 * @since 0.1.0
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
 *
 * @category transitions
 * @since 0.1.0
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
 * The field of a sign of life by which two servers see that they do not see the same members: nothing where multicast
 * tells all of all.
 *
 * @category conversions
 * @since 0.1.0
 */
export const viewOf = (state: State): { readonly view?: number } =>
  comparesViews(state) ? { view: MemberLists.digest(MemberLists.everyone(state)) } : {}

/**
 * A member says what it sees. Where that is not what we see, its list is read, at most twice in a heartbeat.
 *
 * @category transitions
 * @since 0.1.0
 */
export const compare = (turn: Turn, view: number | undefined, from: Member.Address): void => {
  const { contacts, phase, rules } = turn.state
  if (view === undefined || phase !== "Live" || turn.hasTimer("page")) return
  if (turn.now.monotonic - contacts.comparedAt < rules.heartbeatInterval / 2) return
  if (view === MemberLists.digest(MemberLists.everyone(turn.state))) return
  turn.state.contacts = { ...contacts, comparedAt: turn.now.monotonic }
  // Not all who hear one heartbeat ask for the list at the same instant.
  MemberLists.read(turn, from, turn.nonce(), turn.random() * Math.min(100, rules.heartbeatInterval / 10))
}
