/**
 * The events of a group, with their evidence: one vocabulary for the stream that apps read, the log, the NDJSON of
 * `serve --json` and the page.
 *
 * Order: events come in the order in which they happened to this server; a member's `MemberRemoved` before the
 * `MemberJoined` of its return; and a view of the group followed by all later events gives every later view.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Client from "./Client.ts"
import * as Member from "./Member.ts"
import * as Reign from "./Reign.ts"
import * as Topic from "./Topic.ts"
import { UnknownEvent } from "./UnknownEvent.ts"

/**
 * Why a member is no longer one.
 *
 * - `Left`: it said that it leaves.
 * - `Silent`: nothing was heard of it for `for` ms (its last datagram came by `lastHeardOn`), and it did not answer when
 *   asked directly. `ownLag` is the longest delay of this server's own pause detector meanwhile, in ms: if it is large,
 *   this server was the slow one. `registry`: its session there, which lasts for `for` ms, was not renewed.
 * - `Crashed`: its host told us that nobody listens there any more.
 * - `Replaced`: it restarted; `by` is the new incarnation.
 * - `Evicted`: somebody said that it is dead (`by`, a user at a host), and it did not answer when asked directly.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Reason = Schema.TaggedUnion({
  Left: {},
  Silent: {
    for: Schema.Natural,
    lastHeardOn: Schema.Literals(["multicast", "unicast", "registry"]),
    ownLag: Schema.Natural
  },
  Crashed: { evidence: Schema.String },
  Replaced: { by: Member.Incarnation },
  Evicted: { by: Schema.String }
})

/**
 * @category models
 * @since 0.1.0
 */
export type Reason = typeof Reason.Type

/**
 * Why the lead changed, as far as this server knows.
 *
 * - `Start`: the first reign that this server follows.
 * - `HigherRank`: a higher ranked server took over. `Superseded`: of two leaders that met, the greater reign stays.
 * - `Left`, `Silent`, `Crashed`, `Replaced`: the former leader was removed for this reason.
 * - `Stalled`: the leader's process was paused. `Resigned`: it gave the lead up. `Transferred`: it transferred the lead to
 *   a member that it named. `TooFewMembers`: fewer than `minimumMembers` were left. `WorkOverran`: leading work of a former
 *   reign would not end.
 *
 * - `LeaseLost`: the lease ran out, by the clock of its holder or of a server that had granted it. `MajorityLost`: no
 *   majority answered the leader in time, or it saw none.
 *
 * - `Deaf`: the leader lives, but is not known to hear this server, neither directly nor through others. `Unheard`: no
 *   member is known to hear the leader, which is this server. `PathChanged`: the leader is the same; it is followed
 *   `through` another member than before, or directly again.
 *
 * Followers know a cause of the leader's own by its last message, `STEPPING_DOWN`. If that is lost and they learn of the
 * end otherwise, they report `Resigned`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Cause = Schema.Literals([
  "Start",
  "HigherRank",
  "Superseded",
  "Left",
  "Silent",
  "Crashed",
  "Replaced",
  "Stalled",
  "Resigned",
  "Transferred",
  "TooFewMembers",
  "WorkOverran",
  "LeaseLost",
  "MajorityLost",
  "Deaf",
  "Unheard",
  "PathChanged"
])

/**
 * @category models
 * @since 0.1.0
 */
export type Cause = typeof Cause.Type

const isCause = Schema.is(Cause)

/**
 * The cause that a leader gave for stepping down. One that gave none, or one that this version does not know, resigned.
 *
 * @internal
 */
export const causeOf = (said: string | undefined): Cause => isCause(said) ? said : "Resigned"

/**
 * Of the two ways between this server and a member: from it to us, or from us to it.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Way = Schema.Literals(["Incoming", "Outgoing"])

/**
 * How a member was first heard of: its heartbeat, its probe at start, its answer to ours, or any other message; or the registry
 * that keeps the group, where there is one.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Via = Schema.Literals(["heartbeat", "probe", "response", "message", "registry"])

/**
 * @category models
 * @since 0.1.0
 */
export type Via = typeof Via.Type

/**
 * Why a client takes part no more: it said that it leaves, or nothing was heard of it for its time-out.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ClientReason = Schema.TaggedUnion({ Left: {}, Silent: { for: Schema.Natural } })

/**
 * @category models
 * @since 0.1.0
 */
export type ClientReason = typeof ClientReason.Type

/**
 * Messages that nobody has any more, `from` to `to`: of a client, by their `seq`; or, where it is not known whose they
 * were, of the reign of a term by their index (`client` is null). Of a reign whose leader died before it acknowledged,
 * the client sends them again: they may have come under the next reign all the same.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Lost = Schema.Struct({
  client: Schema.NullOr(Client.ClientId),
  term: Schema.NullOr(Reign.Term),
  from: Client.Seq,
  to: Client.Seq
})

/**
 * @category models
 * @since 0.1.0
 */
export type Lost = typeof Lost.Type

/**
 * The schema of one kind of event: its name, when it happened, and what belongs to it.
 *
 * @internal
 */
export const event = <Name extends string, Fields extends Schema.Struct.Fields>(name: Name, fields: Fields) =>
  Schema.Struct({
    /** Unix milliseconds, for people to read: never compare them between hosts. */
    at: Schema.Finite,
    event: Schema.Literal(name),
    ...fields
  })

/**
 * One event, as the app's stream holds it and as one line of `serve --json` spells it.
 *
 * Durations (`for`, `without`, `ownLag`) are whole milliseconds.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Event = Schema.Union([
  /** The first event: this server has started. `self` is how others see it. */
  event("Started", { self: Member.Member }),
  /** A server was found. `via` says by which message of it. */
  event("MemberJoined", { member: Member.Member, via: Via }),
  /** A member is no longer one. `reason` says why, with the evidence. */
  event("MemberRemoved", { member: Member.Member, reason: Reason }),
  /**
   * A member, or this server itself, goes on at another address; `from` is where it was. It is the same start of the same
   * server, and what it leads it leads on.
   */
  event("MemberMoved", { member: Member.Member, from: Schema.String }),
  /**
   * A member, or this server itself, has another priority or other tags than before. It is the same start of the same server; a
   * reign of its keeps the priority that it began with.
   */
  event("MemberChanged", { before: Member.Member, after: Member.Member }),
  /**
   * `election` is the name of the election, empty for the group's own. `leader` is null while nobody leads. `term` is that
   * of the new reign, or of the one that ended. `without` is how long there was no leader before this one, 0 if one
   * followed the other at once. It counts from when this server learnt of the end; after a leader that fell silent, crashed
   * or was paused, from its last sign of life, which is the longest possible time.
   */
  event("LeaderChanged", {
    election: Schema.String,
    leader: Schema.NullOr(Member.Member),
    from: Schema.NullOr(Reign.Leader),
    term: Reign.Term,
    cause: Cause,
    without: Schema.Natural,
    /** The member through which the leader is followed, where this server has no path both ways with it. */
    through: Schema.optionalKey(Member.Member)
  }),
  /** Another server uses our node id. The event names both addresses; this server merges nothing. */
  event("DuplicateIdentity", {
    id: Member.NodeId,
    ours: Schema.String,
    theirs: Schema.String,
    hostname: Schema.String
  }),
  /** The clock was set back between two of our starts: we go on under a higher incarnation than we began with. */
  event("IncarnationRaised", { from: Member.Incarnation, to: Member.Incarnation }),
  /**
   * This process itself was paused for so many ms; it judges nobody by that time. `doubted`: it may have been paused for so many ms,
   * by the uptime of the system alone; nothing ended for that.
   */
  event("Stalled", { for: Schema.Natural, doubted: Schema.optionalKey(Schema.Natural) }),
  /** Our multicast does not reach this member, or its does not reach us: both send heartbeats by unicast as well. */
  event("UnicastOnly", { member: Member.Member }),
  /**
   * No member is known to hear this server, and those that were asked did not answer. So many are in its view. It leads nobody
   * meanwhile. Once, until one answers.
   */
  event("Unheard", { members: Schema.Natural }),
  /**
   * Nothing passes one way between this server and a member, and both live. `Incoming`: we do not hear it; `through` is a member
   * that does, so it stays in view. `Outgoing`: it goes on asking us as if we did not answer, so it does not hear us.
   */
  event("LinkMissing", { member: Member.Member, way: Way, through: Schema.NullOr(Member.Member) }),
  /** That link is there again: we hear the member, or it has stopped asking. */
  event("LinkBack", { member: Member.Member, way: Way }),
  /** Leading work was still running `stopTimeout` after its reign had ended. */
  event("WorkOverran", { election: Schema.String, term: Reign.Term, for: Schema.Natural }),
  /**
   * A singleton failed in the reign of that term, or other leading work, which has no `name`. `again` is after how many ms it
   * is started again; null where it is not, and this server resigns for it.
   */
  event("WorkFailed", {
    election: Schema.String,
    name: Schema.String,
    term: Reign.Term,
    cause: Schema.String,
    again: Schema.NullOr(Schema.Natural)
  }),
  /**
   * Somebody commanded this server over the network: `by` is who, a user at a host by its own word, and `from` where that came from.
   * `command` is `Resign`, `StepDown` (`for` so many ms), `Transfer` or `Evict` (the member `target`). `outcome` is `Done`, or why it was not
   * done; of one that is to be evicted, that it is asked.
   */
  event("Commanded", {
    command: Schema.String,
    election: Schema.String,
    for: Schema.optionalKey(Schema.Natural),
    target: Schema.optionalKey(Member.NodeId),
    by: Schema.String,
    from: Schema.String,
    outcome: Schema.String
  }),
  /** Other keys are in use from now on: their ids, and the one that seals (null: nothing is sealed). */
  event("KeysChanged", { keys: Schema.Array(Schema.String), active: Schema.NullOr(Schema.String) }),
  /** The file of keys can no longer be used; those read before stay in use. */
  event("KeyFileRefused", { why: Schema.String }),
  /**
   * Others than its owner may read or change the file of keys: its permissions are `mode`, as `chmod` takes them. At the
   * start, and whenever they are others; the keys are used all the same.
   */
  event("KeyFileExposed", { path: Schema.String, mode: Schema.String }),
  /**
   * Somebody at `from` has another key (`UnknownKey`, `Forged`), does not seal (`NotSealed`), or seals where we have no key
   * (`Sealed`). So many datagrams since the last event of this problem: at most one a problem and 10 s.
   */
  event("WrongKey", {
    problem: Schema.Literals(["UnknownKey", "Forged", "NotSealed", "Sealed"]),
    from: Schema.String,
    count: Schema.Natural
  }),
  /**
   * Any host that can send to these interfaces can join, lead and end the group: the server has no key, or hears messages
   * that are not sealed.
   */
  event("Unprotected", { why: Schema.Literals(["NoKey", "Permissive"]), interfaces: Schema.Array(Schema.String) }),
  /**
   * With leases: from now on this server grants votes and acknowledges leaders, `after` so many ms since its start. `handedOver`
   * where it got what its former start had promised, so that it need not be silent for `leaseDuration`.
   */
  event("Votes", { after: Schema.Natural, handedOver: Schema.Boolean }),
  /** Fewer voters are in view (`members`) than a majority of `groupSize`: nobody can hold a lease until `needed` are. */
  event("NoMajority", { members: Schema.Natural, needed: Schema.Natural, groupSize: Schema.Natural }),
  /** More voters live than `groupSize` says: two majorities are possible. Once, until it is no longer so. */
  event("GroupTooLarge", { servers: Schema.Natural, groupSize: Schema.Natural }),
  /** This member goes by another setting than ours, so neither votes for the other. Once for each start of it. */
  event("SettingsDiffer", {
    member: Member.Member,
    setting: Schema.String,
    ours: Schema.String,
    theirs: Schema.String
  }),
  /** An interface came or went, or the system refused something. `what` says it; this server tries again. */
  event("NetworkChanged", { what: Schema.String }),
  /** The name of a seed has no address that we can send to: told once, and tried again with each heartbeat. */
  event("SeedUnresolved", { seed: Schema.String, why: Schema.String }),
  /** One of our own fibers died of a defect and was started again. */
  event("FiberDied", { fiber: Schema.String, cause: Schema.String, deaths: Schema.Natural }),
  /** A client takes part: it said so, or sent a message. */
  event("ClientJoined", { client: Client.Client }),
  /** A client takes part no more. */
  event("ClientLeft", { client: Client.Client, reason: ClientReason }),
  /**
   * A client's message, as `Inbox` has it: each client's in the order of `seq`, each once. `topic` is left out where it is the
   * default one. `bytes` is the size of a body above 512 bytes: it is not in the event, where `body` is null then.
   */
  event("MessageReceived", {
    client: Client.Client,
    seq: Client.Seq,
    topic: Schema.optionalKey(Topic.TopicName),
    body: Client.Body,
    bytes: Schema.optionalKey(Schema.Natural)
  }),
  /** Nobody has these messages any more. */
  event("MessageLost", Lost.fields),
  /** Datagrams were dropped since the last event of this reason: at most one a reason and minute. */
  event("Dropped", { reason: Schema.String, count: Schema.Natural }),
  /**
   * A group of another name is heard all the time on our address and port; its datagrams are dropped. `tag` is that of its
   * name, as in `doctor`; `from` is where the last of them came from; so many came since the last event of this group: at most
   * one a group and hour.
   */
  event("OtherGroup", { tag: Schema.String, from: Schema.String, count: Schema.Natural }),
  /**
   * A table has reached its `limit`, which is a setting: so many were refused (`members`, `clients`), or forgotten before
   * their time to make room (`sessions`, `tombstones`), since the last event of this table. At most one a table and minute.
   */
  event("TableFull", {
    table: Schema.Literals(["members", "clients", "sessions", "tombstones"]),
    setting: Schema.String,
    limit: Schema.Natural,
    count: Schema.Natural
  }),
  /** This reader was too slow and lost so many events. */
  event("EventsLost", { count: Schema.Natural }),
  /** The last event: this server has left its group. */
  event("Left", {})
])

/**
 * @category models
 * @since 0.1.0
 */
export type Event = typeof Event.Type

export { UnknownEvent } from "./UnknownEvent.ts"

/**
 * One event as another version may have written it: an unknown one becomes an {@link UnknownEvent}.
 *
 * @category schemas
 * @since 0.1.0
 */
export const AnyEvent = Schema.Union([Event, UnknownEvent])

/**
 * @category models
 * @since 0.1.0
 */
export type AnyEvent = typeof AnyEvent.Type
