/** Events in words, for logs and for the display, with their evidence. */
import type * as Client from "../protocol/model/Client.ts"
import type * as Event from "../protocol/model/Event.ts"
import * as Member from "../protocol/model/Member.ts"
import * as Text from "./Text.ts"

/** One event as one line without its time. */
export const describe = (event: Event.Event): string => Text.clean(say(event))

/** One event as one line of a log. */
export const line = (event: Event.Event): string => `${Text.timestamp(event.at)} ${describe(event)}`

// Two members may share a name, but never an address.
const who = ({ ip, name, port }: Member.Member): string => `${name} (${Member.formatAddress({ ip, port })})`

const say = (event: Event.Event): string => {
  switch (event.event) {
    case "Started":
      return `started as ${who(event.self)}, priority ${event.self.priority}`
    case "MemberJoined":
      return `${who(event.member)} joined, found ${
        event.via === "registry" ? "in the registry" : `by its ${event.via}`
      }`
    case "MemberRemoved":
      return `${who(event.member)} ${reason(event.reason)}`
    case "MemberMoved":
      return `${who(event.member)} has moved there from ${event.from}`
    case "MemberChanged":
      return `${who(event.after)} says otherwise of itself: ${changes(event.before, event.after)}`
    case "LeaderChanged": {
      const led = event.election === "" ? "" : ` ${event.election}`
      const gap = event.without > 0 ? `, after ${Text.age(event.without)} without a leader` : ""
      const through = event.through === undefined ? "" : `, followed through ${who(event.through)}`
      return event.leader === null
        ? `nobody leads${led}: ${causes[event.cause]}`
        : `${who(event.leader)} leads${led}: ${causes[event.cause]}${gap}${through}`
    }
    case "DuplicateIdentity":
      return `DUPLICATE IDENTITY: ${
        event.theirs === event.ours ? "another server at our own address " : ""
      }${event.theirs} (host ${event.hostname}) uses our node id ${event.id}; we are ${event.ours}`
    case "IncarnationRaised":
      return "the wall clock is behind our last start: we count this start as the later one all the same"
    case "Stalled":
      return event.doubted === undefined
        ? `this process was paused for ${Text.age(event.for)}: it judges nobody by that time`
        : `the system's uptime went ahead by ${
          Text.age(event.doubted)
        }, and no other clock did: we take it for no suspension`
    case "UnicastOnly":
      return `${who(event.member)} is heard by unicast only: multicast does not pass between us`
    case "Unheard":
      return `NOT HEARD: none of ${event.members} members shows that it hears this server, so it does not lead: look for what drops its datagrams`
    case "LinkMissing":
      return event.way === "Incoming"
        ? `NO LINK: nothing arrives here from ${who(event.member)}${
          event.through === null ? "" : `; ${who(event.through)} hears it`
        }`
        : `NO LINK: nothing from here arrives at ${who(event.member)}, which we hear`
    case "LinkBack":
      return event.way === "Incoming"
        ? `${who(event.member)} is heard here again`
        : `${who(event.member)} hears this server again`
    case "WorkOverran":
      return `leading work${event.election === "" ? "" : ` of ${event.election}`} still runs ${
        Text.age(event.for)
      } after this server stopped leading`
    case "WorkFailed": {
      const then = event.again === null ? "we give it up" : `we start it again after ${Text.age(event.again)}`
      const led = event.election === "" ? "" : ` of ${event.election}`
      const what = event.name === "" ? "leading work" : `the singleton ${event.name}`
      return `${what}${led} failed (${event.cause}): ${then}`
    }
    case "Commanded":
      return `${event.by} at ${event.from} commands: ${commanded(event)}: ${outcomes[event.outcome] ?? event.outcome}`
    case "KeysChanged":
      return `keys changed: ${event.keys.join(", ")} open, ${event.active ?? "none"} seals`
    case "KeyFileRefused":
      return `the keys stay as they were: ${event.why}`
    case "KeyFileExposed":
      return `KEY FILE EXPOSED: others than its owner may read or change ${event.path} (permissions ${event.mode})`
    case "WrongKey":
      return `${strangers[event.problem]}: ${event.from} (${event.count} datagrams)`
    case "Unprotected":
      return `UNPROTECTED: ${
        event.why === "NoKey" ? "the group has no key" : "keyMode is permissive"
      }, and others can send to ${event.interfaces.join(", ")}`
    case "Votes":
      return event.handedOver
        ? `this server votes from now on, ${Text.age(event.after)} after its start: another kept its promises`
        : `this server votes from now on, ${Text.age(event.after)} after its start`
    case "NoMajority":
      return `${event.members} of ${event.groupSize} servers in view: nobody can lead until ${event.needed} are`
    case "GroupTooLarge":
      return `GROUP TOO LARGE: ${event.servers} servers live, groupSize is ${event.groupSize}: two of them could lead at once`
    case "SettingsDiffer":
      return `SETTINGS DIFFER: ${
        who(event.member)
      } has ${event.setting} ${event.theirs}, we have ${event.ours}: neither votes for the other`
    case "NetworkChanged":
      return `network: ${event.what}`
    case "SeedUnresolved":
      return `seed ${event.seed} has no address, we try again: ${event.why}`
    case "FiberDied":
      return `our own ${event.fiber} died (${event.deaths} in a minute), we start it again: ${event.cause}`
    case "Dropped":
      return `we dropped ${event.count} datagrams: ${event.reason}`
    case "OtherGroup":
      return `OTHER GROUP: ${event.from} speaks on our address and port to a group of another name (tag ${event.tag}; ${event.count} datagrams)`
    case "TableFull":
      return `the table of ${event.table} is full with ${event.limit} (${event.setting}): ${
        event.table === "members" || event.table === "clients"
          ? `we dropped ${event.count} datagrams of others`
          : `we forgot ${event.count} before their time`
      }`
    case "ClientJoined":
      return `client ${sender(event.client)} joined`
    case "ClientLeft":
      return event.reason._tag === "Left"
        ? `client ${sender(event.client)} left`
        : `client ${sender(event.client)} is gone: silent for ${Text.age(event.reason.for)}`
    case "MessageReceived":
      return `message ${event.seq} of ${event.client.name}${on(event)}: ${
        event.bytes === undefined ? words(event.body) : `${event.bytes} bytes`
      }`
    case "MessageLost":
      return lost(event)
    case "EventsLost":
      return `this reader is too slow and lost ${event.count} events`
    case "Left":
      return "left the group"
  }
}

const commanded = (event: Extract<Event.Event, { event: "Commanded" }>): string => {
  const led = event.election === "" ? "" : ` of ${event.election}`
  const member = event.target ?? "nobody"
  switch (event.command) {
    case "Resign":
      return `give the lead${led} up`
    case "StepDown":
      return `do not lead${led} for ${Text.age(event.for ?? 0)}`
    case "Transfer":
      return `hand the lead${led} to ${member}`
    case "Evict":
      return `remove ${member} unless it answers`
    default:
      return event.command
  }
}

const outcomes: { readonly [outcome: string]: string } = {
  Done: "so we do",
  NotLeading: "we do not lead",
  NoSuchMember: "that is no member here",
  NoElection: "we take no part in that election",
  Alive: "that is this server, which lives",
  Leaving: "we are leaving",
  Unknown: "we do not know that command"
}

/** What is different. Where it announces its links otherwise, that follows from the length of its tags. */
const changes = (before: Member.Member, after: Member.Member): string => {
  const pairs = ({ tags }: Member.Member) =>
    Object.entries(tags).map(([key, text]) => `${key}=${text}`).join(",") || "none"
  const all = [
    ...before.priority === after.priority ? [] : [`priority ${before.priority} to ${after.priority}`],
    ...pairs(before) === pairs(after) ? [] : [`tags ${pairs(before)} to ${pairs(after)}`]
  ]
  // As after its machine was set back.
  return all.length === 0 ? "the same, told anew" : all.join("; ")
}

const strangers: { readonly [K in Extract<Event.Event, { event: "WrongKey" }>["problem"]]: string } = {
  UnknownKey: "WRONG KEY: sealed with a key that we do not have",
  Forged: "WRONG KEY: sealed with another key of the same id, or changed on its way",
  NotSealed: "not sealed, though our group has a key",
  Sealed: "sealed, and we have no key"
}

// Clients often share a name. Six digits tell them apart, as in the table of members.
const shortId = (id: Client.ClientId): string => id.slice(0, 6)

const sender = ({ id, name }: Client.Client): string => `${name} (${shortId(id)})`

/** The topic of a message, unless it is the default one. */
export const on = ({ topic }: { readonly topic?: string }): string =>
  topic === undefined ? "" : ` on ${JSON.stringify(topic)}`

/** The body of a message: a text as it is, all else as JSON. Others chose it: `Text.clean` makes it harmless. */
export const words = (body: Client.Body): string => typeof body === "string" ? body : JSON.stringify(body)

/** Which messages are lost, and whose they were. */
export const lost = ({ client, from, to }: Event.Lost): string => {
  const whose = client === null ? "a former leader" : `client ${shortId(client)}`
  return from === to
    ? `message ${from} of ${whose} is lost: nobody has it`
    : `messages ${from} to ${to} of ${whose} are lost: nobody has them`
}

const reason = (reason: Event.Reason): string => {
  switch (reason._tag) {
    case "Left":
      return "left"
    case "Silent": {
      if (reason.lastHeardOn === "registry") {
        return `is gone: its session in the registry was not renewed for ${Text.age(reason.for)}`
      }
      const lag = reason.ownLag > 0 ? `; this process itself was late by ${Text.age(reason.ownLag)}` : ""
      return `is gone: silent for ${
        Text.age(reason.for)
      }, last heard by ${reason.lastHeardOn}, no answer when asked${lag}`
    }
    case "Crashed":
      return `is gone: it crashed, ${reason.evidence}`
    case "Replaced":
      return "started again"
    case "Evicted":
      return `is gone: ${reason.by} said that it is dead, and it did not answer when asked`
  }
}

/** Why the lead changed, in words. */
export const causes: { readonly [K in Event.Cause]: string } = {
  Start: "the first leader seen",
  HigherRank: "it ranks higher",
  Superseded: "of two leaders the one of the greater reign stays",
  Left: "the leader left",
  Silent: "the leader fell silent",
  Crashed: "the leader crashed",
  Replaced: "the leader restarted",
  Stalled: "the leader was paused",
  Resigned: "the leader resigned",
  Transferred: "the leader handed the lead over",
  TooFewMembers: "too few members are in view",
  WorkOverran: "work of a former reign still runs",
  LeaseLost: "its lease ran out",
  MajorityLost: "no majority answers",
  Deaf: "the leader does not hear this server",
  Unheard: "nobody hears this server",
  PathChanged: "the same leader, by another path"
}
