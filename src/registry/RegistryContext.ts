/** The working copy of one step over a registry. */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Election from "../protocol/model/Election.ts"
import type * as Event from "../protocol/model/Event.ts"
import * as Lease from "../protocol/model/Lease.ts"
import type * as Member from "../protocol/model/Member.ts"
import { type Untimed, WorkingCopy } from "../protocol/model/WorkingCopy.ts"
import type * as Registry from "./Registry.ts"
import * as RegistryState from "./RegistryState.ts"

/** One step while it lasts. */
export class RegistryContext extends WorkingCopy<RegistryState.State, RegistryState.Output> {
  /** Why keys are gone, of those that this step heard of. */
  readonly gone = new Map<string, "deleted" | "expired">()
  /** Why members are gone, of those that this step removed. */
  readonly removed = new Map<Member.NodeId, Event.Reason["_tag"]>()
  /** Why reigns of this server's own are over, of those that this step ended, by election. */
  readonly over = new Map<string, Event.Cause>()
  /** When something is to be done, as this step found. */
  #due = Infinity

  /** Whether so much time is over, on the monotonic clock. Where it is not, a step is taken then. */
  isPast(instant: number): boolean {
    if (instant <= this.now.monotonic) return true
    this.#due = Math.min(this.#due, instant)
    return false
  }

  /** When the next step is due. */
  get due(): number {
    return this.#due
  }

  emit(event: Untimed<Event.Event>): void {
    this.outputs.push({ _tag: "Emit", event: { at: this.now.wall, ...event } as Event.Event })
  }

  /** An election that this server takes part in. */
  election(name: string): RegistryState.RegistryElection {
    return RegistryState.election(this.state, name)!
  }

  get elections(): ReadonlyArray<string> {
    return RegistryState.elections(this.state)
  }

  change(name: string, change: Partial<RegistryState.RegistryElection>): void {
    const election = { ...this.election(name), ...change }
    if (name === Election.ofGroup) this.state.group = election
    else this.state.named = HashMap.set(this.state.named, name, election)
  }

  /** Whether nothing of that kind is under way, and something may be asked for. */
  isFree(lane: string): boolean {
    const found = Option.getOrNull(HashMap.get(this.state.lanes, lane))
    return found === null || (found.id === null && this.isPast(found.notBefore))
  }

  /** Asks for changes. */
  commit(lane: string, purpose: RegistryState.Purpose, transaction: Registry.Transaction): void {
    const id = ++this.state.commits
    this.state.lanes = HashMap.set(this.state.lanes, lane, {
      id,
      purpose,
      session: this.state.session?.id ?? "",
      notBefore: Infinity
    })
    this.outputs.push({ _tag: "Commit", id, transaction })
  }
}

/** How long the session still lasts by the fastest clock, in ms; not above 0 where it is over, or there is none. */
export const left = (granted: RegistryState.Granted | null, drift: number, now: Lease.Readings): number =>
  granted === null ? -Infinity : granted.ttl * (1 - 2 * drift) - Lease.elapsed(granted.sentAt, now)
