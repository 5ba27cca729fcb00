/**
 * What a group's keys hold, as a watch has told: the picture of some instant, which is never far behind, and never ahead.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Member from "../protocol/model/Member.ts"
import type * as Runs from "../protocol/model/Runs.ts"
import type * as Registry from "./Registry.ts"
import * as Keys from "./RegistryKeys.ts"
import * as Values from "./RegistryValues.ts"

/** An entry of ours, read. */
interface Read<K extends keyof Values.Values> extends Registry.Entry {
  readonly place: Extract<Keys.Place, { readonly _tag: K }>
  readonly read: Values.Values[K] | null
}

type AnyRead = { readonly [K in keyof Values.Values]: Read<K> }[keyof Values.Values]

/** The entries by key. */
export interface Mirror {
  readonly entries: HashMap.HashMap<string, AnyRead>
  /** So many entries were left out: values that cannot be read, and those beyond {@link maxEntries}. */
  readonly dropped: { readonly Unreadable: number; readonly EntriesFull: number }
}

/** So many entries of a group are known at most. */
export const maxEntries = 20_000

/** Nothing is known. */
export const empty: Mirror = { entries: HashMap.empty(), dropped: { Unreadable: 0, EntriesFull: 0 } }

/** The mirror with an entry as it is now. A key that is none of ours changes nothing. */
export const put = (mirror: Mirror, entry: Registry.Entry): Mirror => {
  const place = Keys.placeOf(entry.key)
  if (place === null) return mirror
  const { dropped, entries } = mirror
  if (HashMap.size(entries) >= maxEntries && !HashMap.has(entries, entry.key)) {
    return { entries, dropped: { ...dropped, EntriesFull: dropped.EntriesFull + 1 } }
  }
  const read = Values.read(place._tag, entry.value)
  return {
    entries: HashMap.set(entries, entry.key, { ...entry, place, read } as AnyRead),
    dropped: read === null ? { ...dropped, Unreadable: dropped.Unreadable + 1 } : dropped
  }
}

/** The mirror without a key. */
export const remove = (mirror: Mirror, key: string): Mirror =>
  HashMap.has(mirror.entries, key) ? { ...mirror, entries: HashMap.remove(mirror.entries, key) } : mirror

/** A whole picture in place of what was known. */
export const picture = (mirror: Mirror, entries: ReadonlyArray<Registry.Entry>): Mirror =>
  entries.reduce(put, { ...mirror, entries: HashMap.empty() })

const at = <K extends keyof Values.Values>({ entries }: Mirror, key: string): Read<K> | null =>
  Option.getOrNull(HashMap.get(entries, key)) as Read<K> | null

/** The entry of a key. */
export const entry = ({ entries }: Mirror, key: string): Registry.Entry | null =>
  Option.getOrNull(HashMap.get(entries, key))

/** The entry of a member. */
export const member = (mirror: Mirror, id: Member.NodeId): Read<"Member"> | null => at(mirror, Keys.member(id))

/** The entry of the leader of an election. */
export const leader = (mirror: Mirror, election: string): Read<"Leader"> | null => at(mirror, Keys.leader(election))

/** The entry of the term of an election. */
export const term = (mirror: Mirror, election: string): Read<"Term"> | null => at(mirror, Keys.term(election))

/** The entry of the end of the last reign of an election that was given up. */
export const handover = (mirror: Mirror, election: string): Read<"Handover"> | null =>
  at(mirror, Keys.handover(election))

/** The entry of a server that takes part in an election. */
export const candidate = (mirror: Mirror, election: string, id: Member.NodeId): Read<"Candidate"> | null =>
  at(mirror, Keys.candidate(election, id))

/** The entry of a job. */
export const job = (mirror: Mirror, job: Runs.Job): Read<"Job"> | null => at(mirror, Keys.job(job))

/** All members that can be read. */
export const members = ({ entries }: Mirror): ReadonlyArray<Member.Member> => {
  const found: Array<Member.Member> = []
  for (const entry of HashMap.values(entries)) {
    if (entry.place._tag === "Member" && entry.read !== null) {
      const member = entry.read as Member.Member
      // Who says that it is another than its key says is nobody.
      if (member.id === entry.place.id) found.push(member)
    }
  }
  return found
}

/** The elections whose leader's key is of that start of a server, by that session. */
export const leadsBy = (
  { entries }: Mirror,
  self: Pick<Member.Member, "id" | "incarnation">,
  session: string
): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (const { place, read, session: by } of HashMap.values(entries)) {
    if (place._tag !== "Leader" || by !== session || read === null) continue
    if (Member.isSameStart((read as Values.Lead).leader, self)) found.push(place.election)
  }
  return found
}

/** All jobs that can be read. */
export const jobs = ({ entries }: Mirror): ReadonlyArray<Registry.Entry & { readonly mark: Values.Mark }> => {
  const found: Array<Registry.Entry & { readonly mark: Values.Mark }> = []
  for (const entry of HashMap.values(entries)) {
    if (entry.place._tag === "Job" && entry.read !== null) found.push({ ...entry, mark: entry.read as Values.Mark })
  }
  return found
}

/** The elections in which a server has an entry as a candidate. */
export const candidacies = ({ entries }: Mirror, id: Member.NodeId): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (const { place } of HashMap.values(entries)) {
    if (place._tag === "Candidate" && place.id === id) found.push(place.election)
  }
  return found
}
