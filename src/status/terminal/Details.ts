/** All that is known of the selected member. */
import * as Member from "../../protocol/model/Member.ts"
import * as Cells from "../Cells.ts"
import { paint } from "../Paint.ts"
import type * as Style from "../Style.ts"
import * as Text from "../Text.ts"
import * as Head from "./Head.ts"
import * as Log from "./Log.ts"
import type * as Model from "./Model.ts"
import * as Seen from "./Seen.ts"

type Fact = readonly [name: string, text: string]

const ways = { multicast: "by multicast", unicast: "by unicast", registry: "by its session in the registry" } as const

const heard = (seen: Seen.Seen, member: Seen.SeenMember, since: number): string => {
  if (member.heard === null) return "the server that tells all this"
  if (member.heard === undefined) return "not known"
  const { ago, through, unicastOnly, via } = member.heard
  const how = via === undefined ? "" : ` ${ways[via]}`
  const only = unicastOnly === true ? ", as multicast does not pass" : ""
  const other = through === null || through === undefined
    ? ""
    : `; ${Seen.nameOf(seen, through)} hears it where this server does not`
  return `${Text.age(ago + since)} ago${how}${only}${other}`
}

/** Which elections it leads. */
const leads = (seen: Seen.Seen, { id }: Seen.SeenMember, since: number): ReadonlyArray<Fact> =>
  seen.elections.filter(({ reign }) => reign?.leader.id === id).map((election) => {
    const held = Head.lease(seen, election, since)
    const what = election.name === "" ? "the group" : election.name
    return ["leads", `${what}, term ${election.reign?.term ?? 0}${held === undefined ? "" : `; ${held}`}`]
  })

/** Whom it follows by its own word, and what it is bound by. */
const follows = (seen: Seen.Seen, member: Seen.SeenMember): ReadonlyArray<Fact> => [
  ...(member.follows === undefined || member.follows === member.id
    ? []
    : [["follows", member.follows === null ? "nobody" : Seen.nameOf(seen, member.follows)] as const]),
  ...(Seen.hasNoVote(member)
    ? [["votes", "none: it never leads, and counts in no majority"] as const]
    : member.votesIn === undefined || member.votesIn === 0
    ? []
    : [["votes", `not yet: in ${Text.age(member.votesIn)} at the latest`] as const])
]

/** What the server that tells will do next that concerns this member; of itself, all that is due. */
const next = (seen: Seen.Seen, { id }: Seen.SeenMember): ReadonlyArray<Fact> => {
  const due = (seen.upcoming ?? []).filter(({ about }) => about === id || (id === seen.self && about === null))
  const text = due.slice(0, 4).map((one) => `${one.timer} in ${Text.age(one.in)}`).join(", ")
  return text === "" ? [] : [["next", text]]
}

const facts = (seen: Seen.Seen, member: Seen.SeenMember, now: number): ReadonlyArray<Fact> => {
  const since = Math.max(0, now - seen.at)
  const tags = Object.entries(member.tags ?? {}).map((tag) => tag.join("=")).join(", ")
  const { asked = 0 } = member
  return [
    ["address", Member.formatAddress(member)],
    ["host", member.hostname ?? "not known"],
    ["started", `${Text.age(now - member.incarnation)} ago, ${Text.timestamp(member.incarnation)}`],
    ["priority", String(member.priority)],
    ["heard", heard(seen, member, since)],
    ...(asked === 0
      ? []
      : [["asked", `${asked} questions unanswered since it fell silent; 5, and it is removed`] as const]),
    ...leads(seen, member, since),
    ...follows(seen, member),
    ...(member.id === seen.self && seen.lag !== undefined
      ? [["own lag", `${Text.age(seen.lag)} at worst lately`] as const]
      : []),
    ...next(seen, member),
    ...(tags === "" ? [] : [["tags", tags] as const])
  ]
}

const labelWidth = 10

/** The details in at most so many lines, and below them what happened to the member last. */
export const lines = (model: Model.Model, style: Style.Style): ReadonlyArray<string> => {
  const { look, notes, now, seen } = model
  if (seen === null || style.rows < 1) return []
  const member = seen.members.find(({ id }) => id === look.selected)
  const cut = (text: string) => Cells.clip(Text.clean(text), style.columns)
  if (member === undefined) return [cut("  this member is in view no more")]
  const known = facts(seen, member, now)
  const room = Math.max(0, style.rows - 1 - known.length)
  const last = room === 0 ? [] : notes.filter(({ about }) => about.includes(member.id)).slice(-room)
  return [
    paint(style, "bold", cut(`  ${Seen.nameOf(seen, member.id)}  (${member.id})`)),
    ...known.map(([name, text]) => cut(`  ${Cells.pad(name, labelWidth)}${text}`)),
    ...last.map((note) => Log.line(note, style))
  ].slice(0, style.rows)
}
