/** How an observation changes: what follows for its members, its elections and its events when one thing becomes known. */
import * as HashMap from "effect/HashMap"
import * as Ranked from "../protocol/membership/Ranked.ts"
import type * as Event from "../protocol/model/Event.ts"
import type * as Reign from "../protocol/model/Reign.ts"
import * as Observation from "./Observation.ts"
import * as ObservedElection from "./ObservedElection.ts"
import * as ObservedMember from "./ObservedMember.ts"

/** How many members, elections and gone ones are kept at most: any host that can send to a group without a key could make up more. */
export const limits = { members: 4_096, elections: 64, gone: 1_024 } as const

/** For how long, in ms, a leader may not have heard yet who has just joined or left. */
export const settling = 1_000

/** How long something that is still under way may name a start that is gone, in ms. */
const remembered = 60_000

/** Changes an observation step by step, and notes the events. */
export class ObservationStep {
  readonly events: Array<Event.Event> = []
  now: Observation.Observation
  readonly #time: Observation.Now

  constructor(before: Observation.Observation, time: Observation.Now) {
    this.now = before
    this.#time = time
  }

  set(change: Partial<Observation.Observation>): void {
    this.now = { ...this.now, ...change }
  }

  tell(event: Event.Event): void {
    this.events.push(event)
  }

  put(member: ObservedMember.ObservedMember): void {
    const before = Observation.memberBy(this.now, member.id)
    const { digest, members, version } = this.now
    const isSame = before !== undefined && ObservedMember.looksSame(before, member)
    this.set({
      members: HashMap.set(members, member.id, member),
      version: isSame ? version : version + 1,
      digest: before === undefined ? Observation.withOne(digest, member) : digest
    })
  }

  /** Whether a start is gone for good, by its own word. */
  isGone({ id, incarnation }: { readonly id: string; readonly incarnation: number }): boolean {
    const gone = this.now.gone.get(id)
    if (gone === undefined || this.#time.monotonic - gone.at > remembered) return false
    return incarnation < gone.incarnation || (incarnation === gone.incarnation && gone.left)
  }

  remove(id: string, reason: Event.Reason): void {
    const member = Observation.memberBy(this.now, id)
    if (member === undefined) return
    const members = HashMap.remove(this.now.members, id)
    const gone = new Map(this.now.gone)
    gone.delete(id)
    const one = Ranked.hash(member)
    const { incarnation } = member
    gone.set(id, { incarnation, digest: one, at: this.#time.monotonic, left: reason._tag === "Left" })
    const [oldest] = gone.keys()
    if (gone.size > limits.gone && oldest !== undefined) gone.delete(oldest)
    const digest = (this.now.digest ^ one) >>> 0
    this.set({ members, gone, digest, version: this.now.version + 1 })
    this.tell({ at: this.#time.wall, event: "MemberRemoved", member: ObservedMember.asMember(member), reason })
    const cause = reason._tag === "Evicted" ? "Silent" : reason._tag
    for (const [name, election] of this.now.elections) {
      const about = this.#about(name, ObservedMember.lastSign(this.now, member))
      this.#elected(name, ObservedElection.ended(election, id, cause, about))
    }
  }

  /** Somebody sees this member no more. */
  leftOut(member: ObservedMember.ObservedMember): void {
    const silent = Math.max(0, Math.round(this.#time.monotonic - ObservedMember.lastSign(this.now, member)))
    this.remove(member.id, { _tag: "Silent", for: silent, lastHeardOn: member.via, ownLag: 0 })
  }

  /** A server says at that instant whom it sees. */
  sees(view: number, at: number): void {
    if (view === this.now.digest) this.set({ confirmedAt: Math.max(this.now.confirmedAt, at), differsAt: null })
    else this.set({ differsAt: this.now.differsAt ?? this.#time.monotonic })
  }

  /** Whether that is the digest of a start that has just left, or was just replaced. */
  hasJustGone(digest: number): boolean {
    for (const gone of this.now.gone.values()) {
      if (gone.digest === digest && this.#time.monotonic - gone.at < settling) return true
    }
    return false
  }

  /** The election of a name; undefined where there are too many. */
  #election(name: string): ObservedElection.ObservedElection | undefined {
    const { elections } = this.now
    return elections.get(name)
      ?? (elections.size < limits.elections ? ObservedElection.make(this.#time.monotonic) : undefined)
  }

  #about(name: string, leaderHeardAt?: number): ObservedElection.About {
    const leader = this.now.elections.get(name)?.reign?.leader.id
    const member = leader === undefined ? undefined : Observation.memberBy(this.now, leader)
    const { monotonic } = this.#time
    const heard = member === undefined ? monotonic : ObservedMember.lastSign(this.now, member)
    return { name, monotonic, leaderHeardAt: leaderHeardAt ?? heard, leaderPriority: member?.priority }
  }

  #elected(name: string, [election, change]: ObservedElection.Result): void {
    if (election === this.now.elections.get(name)) return
    this.set({ elections: new Map(this.now.elections).set(name, election) })
    if (change === null) return
    this.set({ version: this.now.version + 1 })
    const { reign, ...rest } = change
    const leader = reign === null ? null : Observation.memberOf(this.now, reign.leader)
    this.tell({ at: this.#time.wall, event: "LeaderChanged", election: name, ...rest, leader })
  }

  named(name: string, reign: Reign.Reign, byLeader: boolean, said?: Event.Cause): void {
    const election = this.#election(name)
    if (election === undefined) return
    this.#elected(name, ObservedElection.named(election, reign, byLeader, said, this.#about(name)))
  }

  ended(name: string, id: string, cause: Event.Cause): void {
    const election = this.now.elections.get(name)
    if (election !== undefined) this.#elected(name, ObservedElection.ended(election, id, cause, this.#about(name)))
  }

  renewed(name: string, id: string, duration: number): void {
    const election = this.now.elections.get(name)
    if (election?.reign?.leader.id !== id) return
    this.#elected(name, [{ ...election, renewed: { at: this.#time.monotonic, duration } }, null])
  }
}
