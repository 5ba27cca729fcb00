/** What datagrams of others on the group's port mean, and what keeps them out of the group: findings of `Diagnosis`. */
import { all, type Finding, type Kind, note, one, problem } from "./Finding.ts"
import { type ForeignSender, isLonely, type Observations } from "./Observations.ts"
import type { Rule } from "./Seen.ts"

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
  Unauthenticated: "NoUnicast"
}

const kindOf = ({ reason }: ForeignSender): Kind =>
  keys[reason] === undefined ? frames[reason] ?? "OtherProgram" : "WrongKey"

const of = (seen: Observations, kind: Kind) => seen.foreign.filter((one) => kindOf(one) === kind)
const from = (some: ReadonlyArray<ForeignSender>) => [...new Set(some.map(({ ip }) => ip))]

const wrongKey: Rule = (seen) => {
  const findings: Array<Finding> = []
  for (const [reason, does] of Object.entries(keys)) {
    const some = from(seen.foreign.filter((one) => one.reason === reason))
    if (some.length === 0 || does === undefined) continue
    findings.push(problem(
      "WrongKey",
      some,
      `In group ${JSON.stringify(seen.group)}, ${all(some)} ${one(some, ...does)}.`,
      "Give all servers of the group the same key (--key-file, BELLWETHER_KEY), or while one is being replaced a ring that holds both."
    ))
  }
  return findings
}

const otherGroup: Rule = (seen) => {
  const foreign = of(seen, "OtherGroup")
  if (foreign.length === 0) return []
  const tags = [...new Set(foreign.flatMap(({ tag }) => tag ?? []))]
  return [(isLonely(seen) ? problem : note)(
    "OtherGroup",
    from(foreign),
    `${all(from(foreign))} ${
      one(from(foreign), "speaks", "speak")
    } on this address and port to a group of another name (${one(tags, "tag", "tags")} ${
      all(tags)
    }; ours is ${seen.tag}).`,
    "If they should be one group, compare --group (BELLWETHER_GROUP) letter by letter on both hosts. If not, all is well: they do not hear each other."
  )]
}

const otherVersion: Rule = (seen) => {
  const newer = of(seen, "OtherVersion")
  if (newer.length === 0) return []
  return [note(
    "OtherVersion",
    from(newer),
    `${all(from(newer))} ${one(from(newer), "speaks", "speak")} another version of the protocol (${
      all([...new Set(newer.map(({ reason }) => reason))])
    }).`,
    "Bring all servers of the group to one version of Bellwether; older ones pass over what they do not know."
  )]
}

const flood: Rule = (seen) => {
  const flooding = of(seen, "Flood")
  if (flooding.length === 0) return []
  return [note(
    "Flood",
    from(flooding),
    `${all(from(flooding))} ${one(from(flooding), "sends", "send")} more datagrams to port ${seen.port} than are read.`,
    "What is over a source's share is dropped unread, so others are heard. Find out what sends them."
  )]
}

const otherProgram: Rule = (seen) => {
  const noise = of(seen, "OtherProgram")
  if (noise.length === 0) return []
  return [note(
    "OtherProgram",
    from(noise),
    `${all(from(noise))} ${
      one(from(noise), "sends", "send")
    } datagrams to port ${seen.port} that are no frames of Bellwether.`,
    "Harmless, as they are dropped unread. Where they are many, choose another --port for the group."
  )]
}

/** All of them. */
export const rules: ReadonlyArray<Rule> = [wrongKey, otherGroup, otherVersion, flood, otherProgram]
