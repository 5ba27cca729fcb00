/** Whom a server follows: who has the leader's key, if that one is a member. */
import * as Event from "../protocol/model/Event.ts"
import * as Member from "../protocol/model/Member.ts"
import * as Reign from "../protocol/model/Reign.ts"
import * as Mirror from "./Mirror.ts"
import type { RegistryContext } from "./RegistryContext.ts"
import * as Keys from "./RegistryKeys.ts"

/** The reign that is to be followed now. It never goes back, also where the registry does. */
const found = (context: RegistryContext, name: string): Reign.Reign | null => {
  const { last, over, own } = context.election(name)
  if (own !== null) return own.ending?.isOver === true ? null : own.reign
  const lead = Mirror.leader(context.state.mirror, name)?.read ?? null
  if (lead === null || (last !== null && lead.term < last.term)) return null
  const member = memberOf(context, lead.leader)
  if (member === null || (member.id === context.state.self.id && lead.term <= over)) return null
  return { term: lead.term, leader: lead.leader }
}

const memberOf = ({ state: { members, self } }: RegistryContext, leader: Reign.Leader): Member.Member | null =>
  [self, ...members].find((member) => Member.isSameStart(member, leader)) ?? null

const isSame = (self: Reign.Reign | null, that: Reign.Reign | null): boolean =>
  self === that
  || (self !== null && that !== null && self.term === that.term && Member.isSameStart(self.leader, that.leader))

/** Follows whom there is to follow, and tells of each change. */
export const follow = (context: RegistryContext, name: string): void => {
  const { reign: before } = context.election(name)
  const next = found(context, name)
  if (isSame(before, next)) return
  // Where another has followed at once, nobody has seen the end of the former.
  if (before !== null && next === null) vacate(context, name, before)
  else if (next !== null) become(context, name, next)
}

const vacate = (context: RegistryContext, name: string, before: Reign.Reign): void => {
  const { now, state } = context
  const cause = causeOf(context, name, before)
  // From the last sign of its life, which is the longest possible time.
  const silent = cause === "LeaseLost" && before.leader.id !== state.self.id ? state.session?.ttl ?? 0 : 0
  context.change(name, {
    reign: null,
    vacancy: { cause, since: now.monotonic - silent }
  })
  context.emit({
    event: "LeaderChanged",
    election: name,
    leader: null,
    from: before.leader,
    term: before.term,
    cause,
    without: 0
  })
}

/** Why a reign is over: by the word of its leader where it gave one, else by what became of its keys. */
const causeOf = (context: RegistryContext, name: string, { leader, term }: Reign.Reign): Event.Cause => {
  const own = context.over.get(name) ?? context.election(name).own?.ending?.cause
  if (own !== undefined) return own
  const said = Mirror.handover(context.state.mirror, name)?.read
  if (said?.term === term) return Event.causeOf(said.cause)
  switch (context.removed.get(leader.id)) {
    case "Left":
      return "Left"
    case "Replaced":
      return "Replaced"
    case undefined:
      // Who gives its key back says why, with the same transaction. Whose session ends in order does not: that it has gone is told next.
      return context.gone.get(Keys.leader(name)) === "deleted" ? "Left" : "LeaseLost"
    default:
      return "LeaseLost"
  }
}

const become = (context: RegistryContext, name: string, reign: Reign.Reign): void => {
  const { last, reign: before, vacancy } = context.election(name)
  const said = Mirror.leader(context.state.mirror, name)?.read
  context.change(name, { reign, last: Reign.max(last, reign, name) })
  context.emit({
    event: "LeaderChanged",
    election: name,
    leader: memberOf(context, reign.leader),
    from: (before ?? last)?.leader ?? null,
    term: reign.term,
    cause: before === null ? vacancy.cause : said?.term === reign.term ? Event.causeOf(said.cause) : vacancy.cause,
    without: before === null && last !== null ? Math.max(0, Math.round(context.now.monotonic - vacancy.since)) : 0
  })
}
