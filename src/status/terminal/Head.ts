/** The first lines: which group it is, who sees it, who leads, and the lease. */
import * as Member from "../../protocol/model/Member.ts"
import * as Cells from "../Cells.ts"
import { paint } from "../Paint.ts"
import type * as Style from "../Style.ts"
import * as Text from "../Text.ts"
import type * as Model from "./Model.ts"
import * as Seen from "./Seen.ts"

const mostElections = 3

const names = (seen: Seen.Seen, ids: ReadonlyArray<string>): string => ids.map((id) => Seen.nameOf(seen, id)).join(", ")

/** How the lease stands; undefined where there is none to tell of. `since` is how long ago it was so. */
export const lease = (seen: Seen.Seen, { lease, renewed }: Seen.SeenElection, since: number): string | undefined => {
  if (lease !== null && lease !== undefined) {
    const votes = lease.votes.length === 0 ? "" : `, granted by ${names(seen, lease.votes)}`
    return lease.held ? `lease ${Text.age(lease.left - since)} left${votes}` : `lease asked for${votes}`
  }
  if (renewed === undefined) return undefined
  return `lease of ${Text.age(renewed.duration)}, renewal asked ${Text.age(renewed.ago + since)} ago`
}

/** Who leads an election, in which term. */
const reignLine = (seen: Seen.Seen, election: Seen.SeenElection): string => {
  const { name, reign, term } = election
  if (reign === null) {
    const few = seen.few === null || seen.few === undefined ? "" : `: ${seen.few}`
    return (term === 0 ? "Nobody leads yet" : `Nobody leads; term ${term} has ended`) + (name === "" ? few : "")
  }
  if (seen.isOwn === true && reign.leader.id === seen.self) return `We lead, term ${reign.term}`
  const { through } = election
  const path = through === null || through === undefined ? "" : `, followed through ${Seen.nameOf(seen, through)}`
  return `${Seen.nameOf(seen, reign.leader.id)} leads, term ${reign.term}${path}`
}

const electionLine = (seen: Seen.Seen, election: Seen.SeenElection, since: number): string => {
  const held = lease(seen, election, since)
  return `${election.name === "" ? "" : `${election.name}: `}${reignLine(seen, election)}${
    held === undefined ? "" : `; ${held}`
  }`
}

/** What this server itself has to tell, where it is one that sees it. */
const selfLine = ({ isOwn, members, self, votesIn }: Seen.Seen): ReadonlyArray<string> => {
  const member = members.find(({ id }) => id === self)
  if (member === undefined) return []
  const votes = Seen.hasNoVote(member)
    ? ", has no vote"
    : votesIn === null || votesIn === undefined || votesIn === 0
    ? ""
    : `, does not vote yet: in ${Text.age(votesIn)} at the latest`
  const name = Seen.nameOf({ members }, member.id)
  const at = `${name} (${member.id}) at ${Member.formatAddress(member)}`
  return [isOwn === true ? `We are ${at}, priority ${member.priority}${votes}` : `Seen by ${at}${votes}`]
}

/** The head in at most so many lines. */
export const lines = ({ now, seen, stale }: Model.Model, style: Style.Style): ReadonlyArray<string> => {
  const cut = (text: string) => Cells.clip(Text.clean(text), style.columns)
  const old = stale === null ? [] : [paint(style, "warning", cut(`NOT CURRENT: ${stale}`))]
  if (seen === null) return [paint(style, "bold", cut("Bellwether")), ...old, cut("nothing is known of the group yet")]
  const count = seen.members.length
  const since = Math.max(0, now - seen.at)
  const elections = seen.elections.slice(0, 1 + mostElections)
  const more = seen.elections.length - elections.length
  return [
    paint(
      style,
      "bold",
      cut(`Bellwether  group ${seen.group}  ${seen.where}  ${count} ${count === 1 ? "server" : "servers"}`)
    ),
    ...old,
    ...selfLine(seen).map(cut),
    ...elections.map((election) => cut(electionLine(seen, election, since))),
    ...(more > 0 ? [cut(`and ${more} more elections`)] : [])
  ]
}
