/** What datagrams of others on the group's port mean, and what keeps them out of the group. */
import { isLonely } from "./Facts.ts"
import type { Finding, Kind } from "./Finding.ts"
import type { ForeignSender, Observations } from "./Observations.ts"
import { all, note, one, problem } from "./Wording.ts"

/** What others do about keys, by the reason for which their datagrams are dropped; of one, and of several. */
const keys: { readonly [reason: string]: readonly [one: string, several: string] | undefined } = {
  NotSealed: [
    "speaks without a key, which this host does not listen to",
    "speak without a key, which this host does not listen to"
  ],
  Sealed: ["speaks with a key, and this host has none", "speak with a key, and this host has none"],
  UnknownKey: ["speaks with a key that this host does not have", "speak with a key that this host does not have"],
  Forged: ["speaks with what is no key of this host", "speak with what is no key of this host"]
}

const frames: { readonly [reason: string]: Kind } = {
  OtherGroup: "OtherGroup",
  UnknownVersion: "OtherVersion",
  UnknownFlags: "OtherVersion",
  UnknownType: "OtherVersion",
  SourceTooFast: "Flood",
  Unproven: "NoUnicast"
}

const kindOf = ({ reason }: ForeignSender): Kind =>
  keys[reason] === undefined ? frames[reason] ?? "OtherProgram" : "WrongKey"

/** Who else is on the group's port: other keys, other groups, other versions, other programs, and floods. */
export const foreignTraffic = (seen: Observations): ReadonlyArray<Finding> => [
  ...otherKeys(seen),
  ...otherGroups(seen),
  ...otherPrograms(seen)
]

// internal

const sourcesOf = (senders: ReadonlyArray<ForeignSender>) => [...new Set(senders.map(({ ip }) => ip))]

const otherKeys = (seen: Observations): ReadonlyArray<Finding> =>
  Object.entries(keys).flatMap(([reason, does]) => {
    const from = sourcesOf(seen.strangers.filter((one) => one.reason === reason))
    return from.length === 0 || does === undefined ? [] : [problem(
      "WrongKey",
      from,
      `In group ${JSON.stringify(seen.group)}, ${all(from)} ${one(from, ...does)}.`,
      "Give all servers of the group the same key (--key-file, BELLWETHER_KEY), or while one is being replaced a ring that holds both."
    )]
  })

const otherGroups = (seen: Observations): ReadonlyArray<Finding> => {
  const foreign = seen.strangers.filter((one) => kindOf(one) === "OtherGroup")
  const from = sourcesOf(foreign)
  const tags = [...new Set(foreign.flatMap(({ tag }) => tag ?? []))]
  return foreign.length === 0 ? [] : [(isLonely(seen) ? problem : note)(
    "OtherGroup",
    from,
    `${all(from)} ${one(from, "speaks", "speak")} on this address and port to a group of another name (${
      one(tags, "tag", "tags")
    } ${all(tags)}; ours is ${seen.tag}).`,
    "If they should be one group, compare --group (BELLWETHER_GROUP) letter by letter on both hosts. If not, all is well: they do not hear each other."
  )]
}

const otherPrograms = (seen: Observations): ReadonlyArray<Finding> => {
  const ofKind = (
    kind: Kind,
    says: (from: ReadonlyArray<string>, reasons: ReadonlyArray<string>) => string,
    what: string
  ): ReadonlyArray<Finding> => {
    const senders = seen.strangers.filter((one) => kindOf(one) === kind)
    const from = sourcesOf(senders)
    const reasons = [...new Set(senders.map(({ reason }) => reason))]
    return from.length === 0 ? [] : [note(kind, from, says(from, reasons), what)]
  }
  return [
    ...ofKind(
      "OtherVersion",
      (from, reasons) =>
        `${all(from)} ${one(from, "speaks", "speak")} another version of the protocol (${all(reasons)}).`,
      "Bring all servers of the group to one version of Bellwether; older ones pass over what they do not know."
    ),
    ...ofKind(
      "Flood",
      (from) => `${all(from)} ${one(from, "sends", "send")} more datagrams to port ${seen.port} than are read.`,
      "What is over a source's share is dropped unread, so others are heard. Find out what sends them."
    ),
    ...ofKind(
      "OtherProgram",
      (from) =>
        `${all(from)} ${one(from, "sends", "send")} datagrams to port ${seen.port} that are no frames of Bellwether.`,
      "Harmless, as they are dropped unread. Where they are many, choose another --port for the group."
    )
  ]
}
