/** Why something happened, in words and in rows: what the page shows of what was clicked on. */
import * as Member from "../../protocol/model/Member.ts"
import * as EventText from "../EventText.ts"
import type * as History from "../History.ts"
import type { GroupStatus, Streamed } from "../http/Contract.ts"
import * as Text from "../Text.ts"
import * as Model from "./Model.ts"

/** One thing in detail. */
export interface Detail {
  readonly title: string
  readonly text: string
  readonly rows: ReadonlyArray<readonly [label: string, value: string]>
}

/** One event in words. */
export const describe = (event: Streamed): string => {
  switch (event.event) {
    case "Gap":
      return event.count === null
        ? "the server has started anew: its earlier events are gone"
        : `${event.count} earlier events are gone: the server keeps no more`
    case "TooSlow":
      return `this page was too slow and lost ${event.count} events`
    case "Alive":
      return "the server is there"
    case "Unknown":
      return `${event.told.event}: this version does not know it`
    default:
      return EventText.describe(event)
  }
}

/** A length of time with the digit that a person compares by. */
export const seconds = (millis: number): string =>
  millis < 1_000 ? `${Math.round(millis)} ms` : millis < 100_000 ? `${(millis / 1_000).toFixed(1)} s` : Text.age(millis)

const moment = (at: number): string => Text.timestamp(at)

/** How often a silent member is asked before it is removed. */
const questions = "five, unanswered"

const reasonRows = (reason: History.History["absences"][number]["reason"]): Detail["rows"] => {
  switch (reason._tag) {
    case "Silent":
      if (reason.lastHeardOn === "registry") return [["Its session", `was not renewed for ${seconds(reason.for)}`]]
      return [
        ["Silent for", seconds(reason.for)],
        ["Last heard by", reason.lastHeardOn],
        ["Questions asked", questions],
        ["Own lag meanwhile", seconds(reason.ownLag)]
      ]
    case "Crashed":
      return [["Evidence", reason.evidence]]
    case "Replaced":
      return [["Its new start", moment(reason.by)]]
    case "Left":
      return [["Said", "that it leaves"]]
    case "Evicted":
      return [["Said to be dead by", reason.by], ["Questions asked", questions]]
  }
}

const memberRows = ({ id, ip, name, port, priority }: Member.Member): Detail["rows"] => [
  ["Member", name],
  ["Address", Member.formatAddress({ ip, port })],
  ["Priority", String(priority)],
  ["Id", id]
]

/** The fields of an event by their names, as they are. */
const fields = (event: Streamed): Detail["rows"] =>
  Object.entries(event).flatMap(([key, value]: [string, unknown]): Detail["rows"] => {
    if (key === "at" || key === "event" || value === undefined) return []
    if (typeof value === "object" && value !== null && "name" in value && "ip" in value) {
      return memberRows(value as Member.Member)
    }
    if ((key === "for" || key === "without" || key === "after") && typeof value === "number") {
      return [[key, seconds(value)]]
    }
    return [[key, typeof value === "string" ? value : JSON.stringify(value)]]
  })

/** What is known of an event. */
export const ofEvent = (event: Streamed): Detail => ({
  title: event.event,
  text: describe(event),
  rows: [
    ["At", moment(event.at)],
    ...(event.event === "MemberRemoved" ? [...memberRows(event.member), ...reasonRows(event.reason)] : fields(event))
  ]
})

const ofReign = (
  { cause, election, end, from, leader, term, to, without }: History.History["reigns"][number]
): Detail => ({
  title: `${leader.name} ${to === null ? "leads" : "led"}${election === "" ? "" : ` ${election}`}`,
  text: EventText.describe({ event: "LeaderChanged", at: from, election, term, leader, from: null, cause, without }),
  rows: [
    ["From", moment(from)],
    ["To", to === null ? "now" : moment(to)],
    ...(to === null ? [] : [["Lasted", seconds(to - from)] as const]),
    ["Began by", cause],
    ...(end === null ? [] : [["Ended by", end] as const]),
    ["Before it without a leader", seconds(without)],
    ["Term", String(term)],
    ...memberRows(leader)
  ]
})

const ofAbsence = ({ from, member, reason, to }: History.History["absences"][number]): Detail => ({
  title: `${member.name} away`,
  text: EventText.describe({ event: "MemberRemoved", at: from, member, reason }),
  rows: [
    ["Removed", moment(from)],
    ["Back", to === null ? "not yet" : moment(to)],
    ...(to === null ? [] : [["Away for", seconds(to - from)] as const]),
    ...reasonRows(reason),
    ...memberRows(member)
  ]
})

const ofPause = (pause: History.History["pauses"][number]): Detail => ({
  title: "Own pause",
  text: EventText.describe({ event: "Stalled", ...pause }),
  rows: [["Noticed", moment(pause.at)], ["Lasted", seconds(pause.for)]]
})

type SeenMember = GroupStatus["members"][number]

const heardRows = (model: Model.Model, heard: SeenMember["heard"], asked: number): Detail["rows"] =>
  heard === null ? [["Heard", "it is this server"]] : [
    ["Last heard", `${seconds(heard.ago)} ago, by ${heard.via}`],
    ...(heard.unicastOnly ? [["Multicast", "does not pass"] as const] : []),
    ...(heard.through === null
      ? []
      : [["Heard through", Model.memberOf(model, heard.through)?.name ?? heard.through] as const]),
    ...(asked === 0 ? [] : [["Questions unanswered", `${asked} of 5`] as const])
  ]

const ofMember = (model: Model.Model, member: SeenMember): Detail => ({
  title: member.name,
  text: Model.seenElection(model)?.reign?.leader.id === member.id ? "It leads." : "It is a member.",
  rows: [
    ...heardRows(model, member.heard, member.asked),
    ["Address", Member.formatAddress(member)],
    ["Host", member.hostname],
    ["Priority", String(member.priority)],
    ["Started", moment(member.incarnation)],
    ["Id", member.id],
    ...Object.entries(member.tags).map(([key, value]) => [`Tag ${key}`, value] as const)
  ]
})

/** What is selected, in detail; null where nothing is, or it is there no more. */
export const selected = (model: Model.Model): Detail | null => {
  const { history, log, selected } = model
  if (selected === null) return null
  switch (selected.kind) {
    case "member": {
      const member = Model.memberOf(model, selected.id)
      return member === null ? null : ofMember(model, member)
    }
    case "event": {
      const entry = log.find(({ key }) => key === selected.key)
      return entry === undefined ? null : ofEvent(entry.event)
    }
    case "reign": {
      const reign = history?.reigns[selected.index]
      return reign === undefined ? null : ofReign(reign)
    }
    case "absence": {
      const absence = history?.absences[selected.index]
      return absence === undefined ? null : ofAbsence(absence)
    }
    case "pause": {
      const pause = history?.pauses[selected.index]
      return pause === undefined ? null : ofPause(pause)
    }
  }
}
