/**
 * What `doctor` saw of the network and of this machine: facts only, as data. What they mean is for `Diagnosis`.
 *
 * All instants are whole milliseconds since the examination began, on a clock that never steps.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as Member from "../protocol/model/Member.ts"
import * as Reign from "../protocol/model/Reign.ts"

/** One of these words. There may be more of them in a later version: one that is not known is read as `Unknown`. */
const growing = <const Word extends string>(words: ReadonlyArray<Word>) => {
  const known: ReadonlyArray<Word | "Unknown"> = [...words, "Unknown"]
  return Schema.String.pipe(
    Schema.decodeTo(
      Schema.Literals<ReadonlyArray<Word | "Unknown">>(known),
      SchemaTransformation.transform({
        decode: (word) => known.find((one) => one === word) ?? "Unknown",
        encode: (word): string => word
      })
    )
  )
}

/**
 * Something that the system refused, and the name of its error (`EADDRINUSE`), where it gave one.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Refusal = Schema.Struct({
  during: growing(["scan", "open", "join", "send", "receive"]),
  kind: Schema.String,
  where: Schema.String,
  errno: Schema.NullOr(Schema.String)
})

/**
 * @category models
 * @since 0.1.0
 */
export type Refusal = typeof Refusal.Type

/**
 * One address of one interface: whether it is used and why (`InterfaceChoice.Why`), and what became of the probes that
 * were multicast out of it: a server hears its own, so what never comes back does not get in.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Interface = Schema.Struct({
  name: Schema.String,
  address: Schema.String,
  internal: Schema.Boolean,
  chosen: Schema.Boolean,
  primary: Schema.Boolean,
  why: growing([
    "Named",
    "Automatic",
    "OnlyLoopback",
    "NotNamed",
    "Virtual",
    "Loopback",
    "SecondAddress"
  ]),
  /** Why its sockets are not open, where they are not. */
  refusal: Schema.NullOr(Refusal),
  sent: Schema.Natural,
  echoed: Schema.Natural,
  lastSent: Schema.NullOr(Schema.Natural),
  lastEcho: Schema.NullOr(Schema.Natural)
})

/**
 * @category models
 * @since 0.1.0
 */
export type Interface = typeof Interface.Type

/**
 * When something happened first and last.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Times = Schema.Struct({ first: Schema.Natural, last: Schema.Natural })

/**
 * @category models
 * @since 0.1.0
 */
export type Times = typeof Times.Type

/**
 * One server of the group, however it came to be known: heard by multicast, answering by unicast, or only listed by
 * another.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Server = Schema.Struct({
  id: Member.NodeId,
  name: Schema.String,
  ip: Member.Ip,
  port: Member.Port,
  /** Whether it runs on this very host. */
  local: Schema.Boolean,
  /** The heartbeat interval that it announced, in ms. */
  interval: Schema.NullOr(Schema.Natural),
  multicast: Schema.NullOr(Times),
  /** How often it was asked by unicast, and when it answered. */
  asked: Schema.Natural,
  answered: Schema.NullOr(Times),
  /** Whether another server has it in its list. */
  listed: Schema.Boolean,
  /** Whether it says that it sees no server but itself; an older one does not say. */
  alone: Schema.optionalKey(Schema.Boolean),
  /** Those on its list that it has not heard itself for longer than two of their heartbeats. */
  unheard: Schema.optionalKey(Schema.Array(Member.NodeId)),
  /**
   * The port of TCP at which it accepts crash links, how often that was tried, and what became of it the last time; left out where
   * it has announced none.
   */
  links: Schema.optionalKey(Schema.Struct({
    port: Member.Port,
    tried: Schema.Natural,
    last: Schema.NullOr(growing(["Connected", "Refused", "Unanswered"]))
  })),
  /**
   * In how many ms it votes at the latest, by its own word or that of another; 86,400,000 where it has no vote. Left out where it
   * votes, and without leases.
   */
  votesIn: Schema.optionalKey(Schema.Natural),
  /** The number of voters that it goes by, where it was heard to lead by a lease or to ask for one. */
  groupSize: Schema.optionalKey(Schema.Natural),
  /** Its starts, by incarnation and address: two that are heard alternately are two servers under one id. */
  starts: Schema.Array(Schema.Struct({ incarnation: Member.Incarnation, address: Schema.String, ...Times.fields })),
  /** The leader and term by its last word, and since when it says so; null while it follows none, or has not said. */
  follows: Schema.NullOr(Schema.Struct({ leader: Member.NodeId, term: Reign.Term, since: Schema.Natural }))
})

/**
 * @category models
 * @since 0.1.0
 */
export type Server = typeof Server.Type

/**
 * Datagrams on the group's port that are not of this group, by source and by the reason for which a server drops them.
 * `tag` is the group tag of a frame of another group.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ForeignSender = Schema.Struct({
  ip: Schema.String,
  reason: Schema.String,
  tag: Schema.NullOr(Schema.String),
  datagrams: Schema.Natural,
  last: Schema.Natural
})

/**
 * @category models
 * @since 0.1.0
 */
export type ForeignSender = typeof ForeignSender.Type

/**
 * A UDP socket of another process on a port of ours. `owner` is null where the system does not say.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Socket = Schema.Struct({
  ip: Schema.String,
  port: Schema.Natural,
  uid: Schema.Natural,
  drops: Schema.Natural,
  owner: Schema.NullOr(Schema.Struct({ pid: Schema.Natural, command: Schema.String }))
})

/**
 * @category models
 * @since 0.1.0
 */
export type Socket = typeof Socket.Type

/**
 * One seed of the settings: what its name resolves to (nothing where it does not), how often it was asked, and when it
 * answered.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Seed = Schema.Struct({
  seed: Schema.String,
  addresses: Schema.Array(Schema.String),
  asked: Schema.Natural,
  answered: Schema.NullOr(Times)
})

/**
 * @category models
 * @since 0.1.0
 */
export type Seed = typeof Seed.Type

/**
 * All of it.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Observations = Schema.Struct({
  /** Unix ms at the beginning, for people to read. */
  at: Schema.Finite,
  lasted: Schema.Natural,
  group: Schema.String,
  tag: Schema.String,
  multicastAddress: Schema.String,
  port: Schema.Natural,
  ttl: Schema.Natural,
  /** False where the settings turn multicast off: then nothing is said of it. */
  multicast: Schema.Boolean,
  seeds: Schema.Array(Seed),
  unicastPort: Schema.Natural,
  /** Of the settings: taken for that of a server that has not announced its own. */
  heartbeatInterval: Schema.Natural,
  /** Of the settings, where they ask for a lease. */
  groupSize: Schema.optionalKey(Schema.Natural),
  /** The file of keys, where others than its owner may read or change it, and its permissions as `chmod` takes them. */
  exposedKeyFile: Schema.NullOr(Schema.Struct({ path: Schema.String, mode: Schema.String })),
  interfaces: Schema.Array(Interface),
  servers: Schema.Array(Server),
  foreign: Schema.Array(ForeignSender),
  /** What the system refused after the sockets were open. */
  refusals: Schema.Array(Refusal),
  /**
   * How often the whole group was asked by multicast, how many of the newest of these questions nobody has answered, when
   * somebody did last, and who did at any time.
   */
  questions: Schema.Struct({
    asked: Schema.Natural,
    unanswered: Schema.Natural,
    lastAnswer: Schema.NullOr(Schema.Natural),
    answeredBy: Schema.Array(Member.NodeId)
  }),
  /** Other processes' sockets on `port` and `unicastPort`; null where the system does not say. */
  sockets: Schema.NullOr(Schema.Array(Socket)),
  /** In bytes: what a server asks for, and the most that the system gives; null where it does not say. */
  receiveBuffer: Schema.Struct({ wanted: Schema.Natural, limit: Schema.NullOr(Schema.Natural) })
})

/**
 * @category models
 * @since 0.1.0
 */
export type Observations = typeof Observations.Type

/**
 * Whether nobody would be in a list of members, but for one server itself.
 *
 * @category guards
 * @since 0.1.0
 */
export const isLonely = ({ servers }: Observations): boolean =>
  servers.filter(({ answered, multicast }) => answered !== null || multicast !== null).length < 2
