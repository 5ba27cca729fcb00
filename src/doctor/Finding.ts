/**
 * Findings: what `doctor` may find, how much it matters, what it says and what to do about it.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"

/**
 * The kinds of findings, causes before what they bring about.
 *
 * - `NoInterface`, `OnlyLoopback`: no network to meet on. `PortTaken`: the group's port (or `unicastPort`) is held by a
 *   process that does not share it. `Refused`: the system refused something else; its error says what.
 * - `TtlZero`: multicasts do not leave the host. `OwnMulticastLost`: what is multicast out of an interface does not come
 *   back to this host. `OwnMulticastFaded`: it did at first.
 * - `WrongKey`: servers speak with another key, with one where we have none, or without. `KeyFileExposed`: others than its
 *   owner may read or change the file of keys. `OtherGroup`: frames of a group of another name.
 *   `OtherVersion`: of another version of the program. `OtherProgram`: no frames at all.
 * - `SeedUnresolved`, `SeedSilent`: a seed's name does not resolve; it does not answer.
 * - `Alone`: no server of the group was heard or answers. `OnlyThisHost`: none on another host.
 * - `NothingArrives`: not even what this host multicasts itself. `NobodyHears`: servers are heard, and none answers anything.
 *   `HearsNobody`: a server is heard, and sees no other and answers nothing. `LinkMissing`: a server does not hear another, and both
 *   are heard here.
 * - `OneWay`: a server answers by unicast but is not heard by multicast. `NotHeardYet`: the same, but it was listened for
 *   too short a time to say so. `MulticastFaded`: it was heard at first and is not any more. `MulticastUnheard`: the leader answers by
 *   unicast but not what we multicast. `OutgoingFaded`: it did at first. `NoUnicast`: heard, but it does not answer. `NotReached`: others list it, we cannot reach it.
 * - `LinksBlocked`: a server answers, but its port for crash links cannot be connected to.
 * - `NobodyVotes`, `VotersTooMany`, `VotersTooFew`, with leases: no server that is seen has a vote; more have one than `groupSize`, or
 *   fewer. `GroupSizeDiffers`: servers go by different ones.
 * - `DuplicateIdentity`: two servers under one id. `SeveralLeaders`: not all name the same leader.
 * - `Flood`: a source sends more than is read. `Drops`, `SmallReceiveBuffer`: bursts of datagrams are lost on this host, or would be.
 * - With the backend etcd: `EtcdAway`: an endpoint does not answer. `EtcdUntrusted`: a certificate is not believed. `EtcdTooOld`, `EtcdGatewayOff`:
 *   it has no JSON gateway. `EtcdLoginMissing`, `EtcdLoginRefused`, `EtcdNoRight`: it asks for a name and a password, refuses them, or the
 *   user may not read and write the keys. `EtcdNoQuorum`: no majority of its nodes follows. `EtcdClusters`: the endpoints are of several.
 *   `EtcdAlarm`: it says itself that it cannot work. `EtcdReadOnly`: nothing can be written. `EtcdClock`: a lease ended early, or late.
 *   `EtcdEndsLeasesEarly`: a version that may. `EtcdSlow`: its answers take long.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Kind = Schema.Literals([
  "NoInterface",
  "OnlyLoopback",
  "PortTaken",
  "Refused",
  "TtlZero",
  "OwnMulticastLost",
  "OwnMulticastFaded",
  "WrongKey",
  "KeyFileExposed",
  "OtherGroup",
  "SeedUnresolved",
  "SeedSilent",
  "NothingArrives",
  "Alone",
  "OnlyThisHost",
  "NobodyHears",
  "HearsNobody",
  "LinkMissing",
  "OneWay",
  "MulticastFaded",
  "MulticastUnheard",
  "OutgoingFaded",
  "NoUnicast",
  "NotReached",
  "NotHeardYet",
  "LinksBlocked",
  "DuplicateIdentity",
  "GroupSizeDiffers",
  "NobodyVotes",
  "VotersTooMany",
  "VotersTooFew",
  "SeveralLeaders",
  "OtherVersion",
  "OtherProgram",
  "Flood",
  "Drops",
  "SmallReceiveBuffer",
  "EtcdAway",
  "EtcdUntrusted",
  "EtcdTooOld",
  "EtcdGatewayOff",
  "EtcdLoginMissing",
  "EtcdLoginRefused",
  "EtcdNoRight",
  "EtcdNoQuorum",
  "EtcdClusters",
  "EtcdAlarm",
  "EtcdReadOnly",
  "EtcdClock",
  "EtcdEndsLeasesEarly",
  "EtcdSlow"
])

/**
 * @category models
 * @since 0.1.0
 */
export type Kind = typeof Kind.Type

/**
 * One thing that was found. A `problem` keeps servers from finding each other, or from being one group; a `note` is worth
 * knowing. `about` are the interfaces, servers or addresses that it is about; `says` what is the matter, in one sentence or
 * two; `do` what to do about it.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Finding = Schema.Struct({
  finding: Kind,
  severity: Schema.Literals(["problem", "note"]),
  about: Schema.Array(Schema.String),
  says: Schema.String,
  do: Schema.String
})

/**
 * @category models
 * @since 0.1.0
 */
export type Finding = typeof Finding.Type

const told = Schema.StructWithRest(
  Schema.Struct({ ...Finding.fields, finding: Schema.String, severity: Schema.String }),
  [Schema.Record(Schema.String, Schema.Json)]
)

/**
 * A finding whose kind or severity this version does not know: `told` is the finding as it was written.
 *
 * @category schemas
 * @since 0.1.0
 */
export const UnknownFinding = told.pipe(
  Schema.decodeTo(
    Schema.Struct({
      ...Finding.fields,
      finding: Schema.Literal("Unknown"),
      severity: Schema.String,
      told: Schema.toType(told)
    }),
    SchemaTransformation.transform({
      decode: (told) => ({ ...told, finding: "Unknown" as const, told }),
      encode: ({ told }) => told
    })
  )
)

/**
 * @category models
 * @since 0.1.0
 */
export type UnknownFinding = typeof UnknownFinding.Type

/**
 * One finding for who reads what another version may have written: one that is not known is an {@link UnknownFinding}.
 *
 * @category schemas
 * @since 0.1.0
 */
export const AnyFinding = Schema.Union([Finding, UnknownFinding])

/**
 * @category models
 * @since 0.1.0
 */
export type AnyFinding = typeof AnyFinding.Type

/**
 * A finding that keeps servers from finding each other, or from being one group.
 *
 * @category constructors
 * @since 0.1.0
 */
export const problem = (finding: Kind, about: ReadonlyArray<string>, says: string, what: string): Finding => ({
  finding,
  severity: "problem",
  about,
  says,
  do: what
})

/**
 * A finding that is worth knowing.
 *
 * @category constructors
 * @since 0.1.0
 */
export const note = (finding: Kind, about: ReadonlyArray<string>, says: string, what: string): Finding => ({
  ...problem(finding, about, says, what),
  severity: "note"
})

/**
 * Findings, problems before notes, each kind in the order of {@link Kind}.
 *
 * @category ordering
 * @since 0.1.0
 */
export const sort = (findings: ReadonlyArray<Finding>): ReadonlyArray<Finding> => {
  const rank = ({ finding, severity }: Finding) =>
    (severity === "problem" ? 0 : Kind.literals.length) + Kind.literals.indexOf(finding)
  return findings.toSorted((a, b) => rank(a) - rank(b))
}

/**
 * Names in a sentence: `a`, `a and b`, `a, b and c`; of many, the first few and how many more.
 *
 * @category conversions
 * @since 0.1.0
 */
export const all = (texts: ReadonlyArray<string>): string => {
  const shown = texts.length > 6 ? [...texts.slice(0, 5), `${texts.length - 5} more`] : texts
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`
}

/**
 * The word for one, or for several.
 *
 * @category conversions
 * @since 0.1.0
 */
export const one = (texts: ReadonlyArray<unknown>, single: string, several: string): string =>
  texts.length === 1 ? single : several

/**
 * How many of them are problems.
 *
 * @internal
 */
export const problemsAmong = (findings: ReadonlyArray<AnyFinding>): number =>
  findings.filter(({ severity }) => severity === "problem").length
