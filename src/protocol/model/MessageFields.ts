/** The fields that messages have in common, and their bounds. */
import * as Schema from "effect/Schema"
import * as Client from "./Client.ts"
import * as Member from "./Member.ts"
import * as Reign from "./Reign.ts"

/**
 * The longest interval that a server may announce for its next heartbeat, 1 hour in ms: three of them are how long a
 * silent server stays a member.
 */
export const maxInterval = 3_600_000

/** So many changes of its addresses are told apart of one start of a server. */
export const maxMoved = 999_999

/** The most signs of life that are numbered in one reign: it lasts for years. */
export const maxAlive = 999_999_999

/** Over how many servers a leader can be followed. */
export const maxHops = 3

/**
 * How often the addresses of the sender have changed since it started; left out if they have not. A late message from
 * before the last change has a lower one.
 */
const Moved = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxMoved }))

export const header = {
  sender: Member.Member,
  term: Reign.Term,
  leader: Schema.NullOr(Reign.Leader),
  heard: Reign.Term,
  moved: Schema.optionalKey(Moved),
  /** A server that the sender has heard, said to that one. */
  hears: Schema.optionalKey(Member.NodeId)
}

/**
 * The newest sign of life of the leader that the sender names: the highest number of that leader's signs of life in its
 * reign, and over how many servers it came, 0 (left out) at the leader itself; from 2 on `through` which of them it came
 * last.
 */
export const life = {
  alive: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxAlive }))),
  hops: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxHops }))),
  through: Schema.optionalKey(Member.NodeId)
}

/** How many servers the sender sees, itself included. A leader says it, and a server that sees nobody else. */
export const sees = Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 999_999 })))

/** A text, since later versions may know more causes than this one. */
export const Cause = Schema.String.check(Schema.isPattern(/^[A-Za-z]{1,32}$/))
/** The most characters of the address of a page. */
export const maxPage = 64
/** Where people see in a browser what the sender sees; left out where it serves no page. */
export const PageUrl = Schema.String.check(Schema.isMaxLength(maxPage), Schema.isPattern(/^https?:\/\/[!#-[\]-~]+$/))
/** Whether that can be announced as the address of a page. */
export const isPage = Schema.is(PageUrl)
/** A digest of the members that its sender sees. */
export const view = Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff_ffff })))
export const Interval = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxInterval }))
/** For how many ms more its sender does not vote; left out where it does, and where there are no leases. */
export const silent = Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 86_400_000 })))
export const Nonce = Schema.String.check(Schema.isPattern(/^[0-9a-f]{1,32}$/))
export const Page = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 }))

/** Which named elections a server takes part in, by `Election.tag`; left out where there are none. */
export const elections = Schema.optionalKey(
  Schema.Array(Schema.String.check(Schema.isPattern(/^[0-9a-f]{8}$/))).check(Schema.isMaxLength(16))
)

/**
 * The settings that all servers of a group with a majority lease must have in common: their number, for how long a promise
 * binds (ms), and by how much their clocks may differ in speed (0.01 is one in a hundred).
 */
export const Agreement = Schema.Struct({
  groupSize: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000 })),
  duration: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 86_400_000 })),
  drift: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 0.1 }))
})

export type Agreement = typeof Agreement.Type

/** The name of the election: empty for the group's own. */
export const ElectionName = Schema.String.check(
  Schema.makeFilter((text: string) => text.length <= 32 && Member.jsonBytes(text) <= 32, {
    expected: "at most 32 bytes of text"
  })
)

/**
 * Whether a server would vote for the asker, in a term above `promised`. `boundTo` is the server that it is bound to, if
 * any, and `remaining` for how many ms more it votes for nobody else.
 */
export const PreVote = Schema.Struct({
  granted: Schema.Boolean,
  promised: Reign.Term,
  boundTo: Schema.NullOr(Member.NodeId),
  remaining: Schema.Natural
})

export type PreVote = typeof PreVote.Type

/**
 * One line of a `MEMBERS` list. `heard` is how many ms ago the answering server last heard of it, 0 for itself. `votesIn` is in how
 * many ms it votes, of one that does not yet. `hostname`
 * and `tags` are there where they were asked for, unless the answering server is too old to tell them.
 */
export const Listed = Schema.Struct({
  id: Member.NodeId,
  ip: Member.Ip,
  port: Member.Port,
  name: Member.Member.fields.name,
  priority: Member.Priority,
  incarnation: Member.Incarnation,
  revision: Member.Member.fields.revision,
  heard: Schema.Natural,
  votesIn: Schema.optionalKey(Schema.Natural),
  hostname: Schema.optionalKey(Member.Member.fields.hostname),
  tags: Schema.optionalKey(Member.Member.fields.tags)
})

/** */
export type Listed = typeof Listed.Type

/** The most members that one question to a witness is about, and its answer. */
export const maxMissed = 16

/** The longest ago, in ms, that a witness is asked for: more than a day, longer than any member may be silent. */
export const maxAgo = 99_999_999

export const start = Schema.Struct({ id: Member.NodeId, incarnation: Member.Incarnation })
export const Ago = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: maxAgo }))
export const someOf = <Item extends Schema.Top>(item: Item) =>
  Schema.Array(item).check(Schema.isMinLength(1), Schema.isMaxLength(maxMissed))

/**
 * The newest message index that the speaker knows of the reign it follows, or while it follows none, of its own that is
 * over; left out where there is none.
 */
export const delivered = Schema.optionalKey(Client.Index)

export const kind = <Name extends string, Fields extends Schema.Struct.Fields>(name: Name, fields: Fields) =>
  Schema.Struct({ type: Schema.Literal(name), ...fields })
