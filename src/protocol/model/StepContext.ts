/**
 * The working copy of one step: a state to change, the time, and the outputs that the fibers around the step carry out.
 *
 * A step is a pure function: the same state, input and {@link Now} give the same state and outputs. The context is changed
 * in place, but nobody else sees it while the step lasts.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Receiver from "../delivery/Receiver.ts"
import * as Election from "./Election.ts"
import type * as Event from "./Event.ts"
import type * as Member from "./Member.ts"
import type * as Message from "./Message.ts"
import type { Body, DropReason, Output } from "./Output.ts"
import * as Places from "./Places.ts"
import * as Reach from "./Reach.ts"
import type { Known, State } from "./State.ts"
import type { Timer } from "./Timer.ts"
import * as Timers from "./Timers.ts"
import * as Timing from "./Timing.ts"
import * as Voters from "./Voters.ts"
import { type Untimed, WorkingCopy } from "./WorkingCopy.ts"
import * as Zone from "./Zone.ts"

/** One step of a server while it lasts. */
export class StepContext extends WorkingCopy<State, Output> {
  /** Says something as this server: to one address, or to the group (null). */
  say(to: Member.Address | null, body: Body, batches = false): void {
    this.send(to, this.compose(body, to), batches)
  }

  /** Says something to one member, where it was last heard from. */
  sayTo(id: Member.NodeId, body: Body): void {
    this.say(HashMap.getUnsafe(this.state.known, id).address, body)
  }

  /** Asks one member, and has its host's refusal told. */
  ask(id: Member.NodeId, to: Member.Address, body: Body): void {
    this.outputs.push({ _tag: "Ask", id, to, message: this.compose(body, to) })
  }

  /**
   * A message of this server to one address, or to the group (null), with the header as it is now: the reign in it is that of
   * the election it speaks of.
   */
  compose(body: Body, to: Member.Address | null): Message.FromServer {
    const { identity: { moved }, page, self } = this.state
    const election = this.election("election" in body ? body.election : "")
    const { claim, heard } = election
    const header: Message.Header = {
      sender: self,
      term: election.reign?.term ?? Math.max(election.last?.term ?? 0, election.toExceed),
      leader: election.reign === null ? null : this.told(election.reign.leader, to),
      // While it asks for a lease it may hear of the term that it asks for. Said late, that would be the end of its reign.
      heard: claim === null || claim.held ? heard : Math.min(heard, claim.term - 1),
      ...(moved === 0 ? {} : { moved })
    }
    switch (body.type) {
      case "OK":
        return { ...header, ...body, ...lifeOf(election, self) }
      case "SERVER_ALIVE":
        return {
          ...header,
          ...body,
          ...lifeOf(election, self),
          ...this.#seen(),
          ...this.#pace(),
          ...this.silence(),
          ...this.newest(),
          ...(page === null ? {} : { page })
        }
      case "SERVER_RESPONSE":
      case "SERVER_LEAVING":
      case "STEPPING_DOWN":
      case "CLIENT_WELCOME":
        return { ...header, ...body, ...this.newest() }
      case "COORDINATOR": {
        const { lease } = this.state.timing
        return { ...header, ...body, ...(lease === null ? {} : { lease }), ...this.#pace(), ...this.newest() }
      }
      default:
        return { ...header, ...body }
    }
  }

  /** The pace of the signs of life of this server, said where it leads. */
  #pace(): { readonly pace?: number } {
    const { timing } = this.state
    return Timing.keepsPace(timing) && this.leadsAnything() ? { pace: timing.leaderInterval } : {}
  }

  /** Whether this server follows a reign of its own in any election, one that is being ended included. */
  leadsAnything(): boolean {
    const { election, named, self } = this.state
    const isOwn = ({ reign }: Election.Election) => reign?.leader.id === self.id
    return isOwn(election) || HashMap.some(named, isOwn)
  }

  /** The interval between two heartbeats of this server: a leader's stay as frequent as in a small group. */
  heartbeatInterval(): number {
    const { members, timing } = this.state
    return this.leadsAnything() ? timing.heartbeatInterval : Timing.intervalBeside(timing, members.length)
  }

  /**
   * The interval at which a member is expected to be heard: the one that it announced, or if it leads nothing that of a group of
   * this size, since it may not have said yet that its heartbeats come less often.
   */
  expectedInterval({ interval, pace }: Pick<Known, "interval" | "pace">): number {
    const { members, timing } = this.state
    return pace === null ? Math.max(interval, Timing.intervalBeside(timing, members.length)) : interval
  }

  /** How many servers this one sees, said where it leads or sees nobody else. */
  #seen(): { readonly sees?: number } {
    const { election: { reign }, members, self } = this.state
    return members.length === 0 || reign?.leader.id === self.id ? { sees: members.length + 1 } : {}
  }

  /**
   * A member, or this server itself, at the address that is told of it: where it was last heard, of several networks on the
   * one that is nearest to where it is told, or else what it says of itself: the first of these that can be
   * reached from there.
   */
  told<A extends Member.Address & { readonly id: Member.NodeId }>(server: A, to: Member.Address | null): A {
    const there = to ?? this.state.self
    const known = Option.getOrUndefined(this.known(server.id))
    if (known === undefined) return { ...server, ...Zone.toldTo([server], there) }
    const { address, alsoAt, member } = known
    const places = alsoAt.length === 0 ? [address] as const : Places.nearest(address, alsoAt, there, this.now.monotonic)
    return { ...server, ...Zone.toldTo([...places, member], there) }
  }

  /** For how long this server does not vote, where it does not. For good is where it leaves, or has no vote. */
  silence(): { readonly silent?: number } {
    const silent = Math.ceil(this.state.silentUntil - this.now.monotonic)
    return silent > 0 ? { silent: Math.min(silent, Voters.never) } : {}
  }

  /** The same as a field, which is left out where it would be 0. */
  newest(): { readonly delivered?: number } {
    const delivered = this.newestIndex()
    return delivered === 0 ? {} : { delivered }
  }

  /** The newest message index that is known here of the reign followed, or of our own that is over, while none follows. */
  newestIndex(): number {
    const { delivery: { receiver }, election: { last, reign } } = this.state
    const of = reign ?? (last?.leader.id === this.state.self.id ? last : null)
    return of === null ? 0 : Receiver.newestOf(receiver, of.term, of.leader.id)
  }

  /** Says something now and again after each of the gaps (ms), unless the key's timer is cleared. */
  sayOften(key: string, body: Body, gaps: ReadonlyArray<number>, to: Member.Address | null = null): void {
    this.say(to, body)
    if (gaps.length > 0) this.setTimer(key, gaps[0]!, { _tag: "SayAgain", key, to, body, gaps: gaps.slice(1) })
  }

  /**
   * Sends to one address, or to the group (null): by multicast, and by unicast to receivers that it does not reach. `batches`: they read
   * several messages in one datagram.
   */
  send(to: Member.Address | null, message: Message.Message, batches = false): void {
    this.sendAll(to, [message], batches)
  }

  /** Sends messages of one kind, one after the other. */
  sendAll(to: Member.Address | null, messages: ReadonlyArray<Message.Message>, batches = false): void {
    const [first] = messages
    if (first === undefined) return
    const all = to !== null ? [to] : [
      ...this.state.timing.multicast ? [null] : [],
      ...Reach.byUnicast(this.state, first.type, this.now.monotonic)
    ]
    if (all.length === 0) return
    for (const message of messages) {
      this.outputs.push({ _tag: "Send", to: all, message, ...batches ? { batches } : {} })
    }
  }

  emit(event: Untimed<Event.Event>): void {
    this.outputs.push({ _tag: "Emit", event: { at: this.now.wall, ...event } as Event.Event })
  }

  drop(reason: DropReason): void {
    this.outputs.push({ _tag: "Drop", reason })
  }

  /** Fires in so many ms, in place of the key's last timer. */
  setTimer(key: string, after: number, timer: Timer): void {
    this.state.timers = Timers.set(this.state.timers, key, this.now.monotonic + after, timer)
  }

  /** When the key's timer fires, on the monotonic clock; Infinity where there is none. */
  dueAt(key: string): number {
    return Timers.dueOf(this.state.timers, key)
  }

  hasTimer(key: string): boolean {
    return Timers.has(this.state.timers, key)
  }

  clearTimer(key: string): void {
    this.state.timers = Timers.clear(this.state.timers, key)
  }

  known(id: Member.NodeId): Option.Option<Known> {
    return HashMap.get(this.state.known, id)
  }

  /** The register of an election, the group's own or a named one: a blank one where this server takes no part. */
  election(name: string): Election.Election {
    return name === ""
      ? this.state.election
      : Option.getOrElse(HashMap.get(this.state.named, name), () => Election.blank)
  }
}

/** The sign of life of the followed leader, for a message: nothing if the leader does not number its signs of life. */
const lifeOf = (
  { life: { number, relay, through }, reign }: Election.Election,
  self: Member.Member
): { readonly alive?: number; readonly hops?: number; readonly through?: Member.NodeId } => {
  if (reign === null || number === 0) return {}
  if (reign.leader.id === self.id) return { alive: number }
  return through === null ? { alive: number, hops: 1 } : { alive: number, hops: relay!.hops, through }
}
