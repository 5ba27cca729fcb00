/** What followed an act, with the times that the servers' own events give: all of them are on one host, by one clock. Pure. */
import type * as Event from "../../protocol/model/Event.ts"
import * as EventText from "../../status/EventText.ts"
import * as Model from "./model.ts"

/** How many consequences of one act are kept. */
const kept = 30

/** Something to be told once for an act, under its key. */
interface Told {
  readonly key: string
  readonly who: string
  readonly text: string
}

/** A measured time. */
export const seconds = (millis: number): string => `${(millis / 1_000).toFixed(2)} s`

const reasons: { readonly [R in Event.Reason["_tag"]]: (reason: Extract<Event.Reason, { _tag: R }>) => string } = {
  Left: () => "it said goodbye",
  Silent: (reason) => `silent for ${seconds(reason.for)}, and it answered no question`,
  Crashed: () => "its host refuses its port",
  Replaced: () => "it was started anew",
  Evicted: ({ by }) => `${by} said that it is dead, and it answered no question`
}

const reasonText = (reason: Event.Reason): string => (reasons[reason._tag] as (reason: Event.Reason) => string)(reason)

/** What an event tells of an act. `before` is what was known before the event. */
const tell = (before: Model.Model, act: Model.Act, name: string, event: Event.AnyEvent): Told | undefined => {
  const isTarget = act.target === name
  switch (event.event) {
    case "MemberRemoved": {
      const removed = Model.nameOf(before, event.member.id)
      return isTarget || removed !== act.target
        ? undefined
        : { key: "noticed", who: name, text: `noticed: ${reasonText(event.reason)}` }
    }
    case "MemberJoined": {
      const joined = event.member.name
      return isTarget || joined !== act.target ? undefined : { key: "found", who: name, text: `found ${joined}` }
    }
    case "LeaderChanged":
      return event.election === "" ? tellLead(before, act, name, event) : undefined
    case "Stalled":
      return { key: `paused:${name}`, who: name, text: `noticed its own pause of ${seconds(event.for)}` }
    case "NoMajority":
      return { key: `minority:${name}`, who: name, text: `sees ${event.members} of ${event.groupSize}: no majority` }
    case "Unheard":
      return { key: `unheard:${name}`, who: name, text: "is heard by nobody" }
    default:
      return undefined
  }
}

const tellLead = (
  before: Model.Model,
  act: Model.Act,
  name: string,
  event: Extract<Event.Event, { event: "LeaderChanged" }>
): Told | undefined => {
  const self = Model.serverOf(before, name)
  if (self === undefined) return undefined
  if (event.leader?.id === self.id) {
    const gap = event.without > 0 ? `: nobody led for ${seconds(event.without)}` : ""
    return { key: `leads:${name}`, who: name, text: `leads${gap}` }
  }
  if (event.leader === null && name !== act.target && Model.nameOf(before, event.from?.id ?? null) === act.target) {
    return { key: "noticed", who: name, text: `noticed: ${EventText.causes[event.cause]}` }
  }
  if (self.follows !== self.id || self.id === null) return undefined
  return event.leader === null
    ? { key: `lost:${name}`, who: name, text: `leads no more: ${EventText.causes[event.cause]}` }
    : { key: `yields:${name}`, who: name, text: `follows ${event.leader.name}` }
}

/**
 * The name of the leader whom all follow that can be reached, if each of them sees the others; else undefined. One that cannot be
 * reached may still be a member: it is no death to be silent for a while.
 */
export const agreed = ({ servers }: Pick<Model.Model, "servers">): string | undefined => {
  const reachable = servers.filter(Model.isReachable)
  const [first] = reachable
  const leader = reachable.find(({ id }) => id !== null && id === first?.follows)
  const doAgree = reachable.every(({ follows, sees }) =>
    follows === leader?.id && reachable.every(({ id }) => id !== null && sees.has(id))
  )
  return doAgree ? leader?.name : undefined
}

const tellAgreement = (after: Model.Model): Told | undefined => {
  const leader = agreed(after)
  if (leader === undefined) return undefined
  const count = after.servers.filter(Model.isReachable).length
  return count === 1
    ? { key: `agreed:${leader}`, who: leader, text: "is alone" }
    : { key: `agreed:${leader}`, who: `all ${count}`, text: `see each other and follow ${leader}` }
}

const withTold = (act: Model.Act, after: number, told: Told | undefined): Model.Act =>
  told === undefined || act.told.has(told.key) || act.consequences.length >= kept ? act : {
    ...act,
    told: new Set([...act.told, told.key]),
    // What several servers tell does not arrive in the order in which it happened.
    consequences: [...act.consequences, { after, who: told.who, text: told.text }].toSorted((a, b) => a.after - b.after)
  }

/** A server has told an event: what it tells of the last act is put there. */
export const hear = (before: Model.Model, name: string, event: Event.AnyEvent): Model.Model => {
  const after = Model.hear(before, name, event)
  const last = after.acts.at(-1)
  // What happened before the act did not follow from it.
  if (last === undefined || event.at < last.at) return after
  const since = event.at - last.at
  const measured = withTold(withTold(last, since, tell(before, last, name, event)), since, tellAgreement(after))
  return measured === last ? after : { ...after, acts: [...after.acts.slice(0, -1), measured] }
}

const verbs: Record<Model.Kind, string> = {
  Killed: "kill -9",
  Stopped: "stop",
  Frozen: "freeze",
  Thawed: "thaw",
  CutOff: "cut off",
  Healed: "heal",
  Started: "start",
  AllByBully: "start all, leadership bully",
  AllByLease: "start all, leadership lease"
}

/** When what is known of an act last changed, in Unix ms. */
export const changedAt = ({ at, consequences }: Model.Act): number => at + (consequences.at(-1)?.after ?? 0)

/** An act in words. */
export const title = ({ didLead, kind, target }: Model.Act): string =>
  target === null ? verbs[kind] : `${verbs[kind]} ${target}${didLead ? ", which leads" : ""}`
