/**
 * How the lead is taken where nobody has it: one candidate after the other tries, the highest ranked first, so that it is the one that
 * leads and the others need not ask the registry. That only one can is the transaction's matter: it wants the leader's key to be free,
 * the term as it was read, and this server to be a member still.
 */
import * as Member from "../protocol/model/Member.ts"
import * as Reign from "../protocol/model/Reign.ts"
import * as Announcing from "./Announcing.ts"
import * as Enclosing from "./Enclosing.ts"
import * as Mirror from "./Mirror.ts"
import { left, type RegistryContext } from "./RegistryContext.ts"
import * as Keys from "./RegistryKeys.ts"
import * as Values from "./RegistryValues.ts"
import type { Candidate } from "./Reigning.ts"

/** The other members that take part in an election, highest rank first. */
export const candidates = (context: RegistryContext, name: string): ReadonlyArray<Candidate> =>
  context.state.members.flatMap((member) => {
    const says = Mirror.candidate(context.state.mirror, name, member.id)?.read ?? null
    return says === null ? [] : [{ member, says }]
  }).sort((self, that) => Member.compareRank(that.member, self.member, name))

/** Notes since when the leader's key is free. */
export const lookAtPlace = (context: RegistryContext, name: string): void => {
  const { freeSince, own } = context.election(name)
  const isFree = context.state.phase === "Live" && context.state.isWatching && own === null
    && Mirror.leader(context.state.mirror, name) === null
  if (isFree !== (freeSince !== null)) context.change(name, { freeSince: isFree ? context.now.monotonic : null })
}

/** How long this server lets others go first, from when the key is free, in ms. */
const delay = (context: RegistryContext, name: string, others: ReadonlyArray<Candidate>): number => {
  const { self, timing } = context.state
  const { ineligibility, last } = context.election(name)
  const said = Mirror.handover(context.state.mirror, name)?.read ?? null
  const successor = said !== null && said.term === last?.term ? said.successor : null
  if (successor === self.id) return 0
  const named = others.find(({ member, says }) => member.id === successor && says.stands)
  const before = others.filter((other) =>
    other !== named && other.says.stands && Member.outranks(other.member, self, name)
  )
  const waits = ineligibility.until > context.now.monotonic || (named !== undefined && said?.cause === "Transferred")
  const turn = before.length + (named === undefined ? 0 : 1)
  return turn * timing.electionStagger + (waits ? timing.coordinatorTimeout : 0)
}

/** Takes the lead where it is this server's turn. */
export const stand = (context: RegistryContext, name: string, others: ReadonlyArray<Candidate>): void => {
  const { freeSince, hasNoWork, ineligibility, overrun, withdrawn } = context.election(name)
  const { isDisplaced, phase, self, session, timing } = context.state
  if (freeSince === null || session === null || phase !== "Live" || isDisplaced) return
  if (hasNoWork || overrun || withdrawn || !Announcing.isMember(context)) return
  if (!Enclosing.mayStand(context, name)) return
  if (ineligibility.isFirm && !context.isPast(ineligibility.until)) return
  if (left(session, timing.drift, context.now) <= timing.stopTimeout + 1) return
  if (!context.isPast(freeSince + delay(context, name, others)) || !context.isFree(`lead ${name}`)) return
  take(context, name, Reign.make(0, self))
}

const take = (context: RegistryContext, name: string, { leader }: Reign.Reign): void => {
  const { mirror, self } = context.state
  const { enclosing, vacancy } = context.election(name)
  const read = Mirror.term(mirror, name)
  const heard = Math.max(Enclosing.newestTerm(context.state, name), context.state.highest)
  const reign = { term: enclosing ?? Reign.nextTerm(heard, context.now.wall), leader }
  // Somebody has claimed the last term there is.
  if (reign.term <= heard) return
  const lead = { ...reign, cause: vacancy.cause }
  context.commit(`lead ${name}`, { _tag: "Lead", election: name, reign }, {
    if: [
      { key: Keys.leader(name), version: null },
      { key: Keys.term(name), version: read?.version ?? null },
      { key: Keys.member(self.id), version: Mirror.member(mirror, self.id)!.version }
    ],
    put: [
      { key: Keys.leader(name), value: Values.write("Leader", lead), bound: true },
      { key: Keys.term(name), value: Values.write("Term", reign.term), bound: false }
    ]
  })
}
