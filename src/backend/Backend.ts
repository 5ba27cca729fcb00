/**
 * What `Group` and `Leadership` stand on: who is there, who leads, and the way to change that. The protocol of the LAN is one, and
 * each registry (etcd, a database) another. All of it is about one server and its group.
 */
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type * as EventHub from "../engine/EventHub.ts"
import type * as ElectionContext from "../protocol/election/ElectionContext.ts"
import type * as Event from "../protocol/model/Event.ts"
import type * as Member from "../protocol/model/Member.ts"
import type * as Reign from "../protocol/model/Reign.ts"
import type * as Runs from "../protocol/model/Runs.ts"
import type * as Step from "../protocol/Step.ts"

type EventBody<E> = E extends Event.Event ? Omit<E, "at"> : never

/** What an app does about an election, and what becomes of the work that it runs while it leads; see `Step.Input`. */
export type LeadInput = Extract<Step.Input, {
  readonly _tag:
    | "Campaign"
    | "Withdraw"
    | "Resign"
    | "StepDown"
    | "Transfer"
    | "WorkOverran"
    | "WorkFinished"
    | "WorkGivenUp"
    | "WorkOffered"
}>

/** Whose it is: what logs and spans are annotated with. */
export interface Whose {
  readonly group: string
  readonly node: Member.NodeId
}

/** Who is there, and who leads the group. */
export interface Membership {
  readonly whose: Whose
  readonly view: Effect.Effect<Step.View>
  /** The view as it was last told, and each later one; of a server that has ended the last one. */
  readonly views: Stream.Stream<Step.View>
  readonly events: Pick<
    EventHub.EventHub<Step.View, Event.Event>,
    "readers" | "sequence" | "subscribe" | "subscribeAfter"
  >
}

/** Who leads each election, and the way to change that. No election is named where it is the group's own. */
export interface Elections {
  /** The reign of this server's own in an election, while that lasts by the clock. */
  readonly own: (election: string) => Effect.Effect<Reign.Reign | null>
  /** The reigns of its own as they were last told, and each later time, by election. Its work hears of an end first. */
  readonly ownReigns: Stream.Stream<ElectionContext.OwnReigns>
  /** The reign that is followed in an election; null where nobody leads, or this server takes no part. */
  readonly followed: (election: string) => Effect.Effect<Reign.Reign | null>
  /** The elections that this server takes part in, the group's own first. */
  readonly entered: Effect.Effect<ReadonlyArray<string>>
  /** Whether it may take part in one more, or does in this one. */
  readonly hasRoom: (election: string) => Effect.Effect<boolean>
  /** Whether this server stands for an election no more, since all its work has failed. */
  readonly isGivenUp: (election: string) => Effect.Effect<boolean>
  /** Why the lead of an election cannot be handed to a server; null where it can. */
  readonly transferRefusal: (to: Member.NodeId, election: string) => Effect.Effect<"NotLeading" | "NoSuchMember" | null>
  /** How long it may take until somebody leads, once the work of the former leader has ended, in ms. */
  readonly transfersWithin: number
  readonly step: (input: LeadInput) => Effect.Effect<void>
  /**
   * Has these marks of a scheduled job kept where a later leader finds them, and answers what is known of it. Waits for as long
   * as that takes; where this server does not lead, or no longer, for good.
   */
  readonly mark: (job: Runs.Job, mark: Runs.Mark) => Effect.Effect<Runs.Known>
  /** What the server's wall clock shows, in Unix ms: that of the fiber that runs a job may be another, in a simulation. */
  readonly wall: Effect.Effect<number>
}

/** All of it. */
export interface Backend extends Membership, Elections {
  /** Tells an event that the backend does not tell by itself. */
  readonly tell: (event: EventBody<Event.Event>) => Effect.Effect<void>
}
