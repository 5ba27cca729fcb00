/**
 * What a client is between two steps ({@link State}), and what one step works on ({@link ClientContext}): a copy of the state to
 * change, the time, and the outputs that the step leaves.
 */
import type * as HashMap from "effect/HashMap"
import type { Flights } from "../delivery/Flights.ts"
import type * as Parts from "../delivery/Parts.ts"
import type * as Receiver from "../delivery/Receiver.ts"
import type * as Client from "./Client.ts"
import type * as ClientEvent from "./ClientEvent.ts"
import type * as Member from "./Member.ts"
import type * as Message from "./Message.ts"
import type * as Reign from "./Reign.ts"
import { type Untimed, WorkingCopy } from "./WorkingCopy.ts"

/** A leader that let our questions go by: where it was spoken to, and until when. */
export interface Unanswering {
  readonly id: Member.NodeId
  readonly incarnation: number
  readonly address: Member.Address | null
  readonly until: number
}

/**
 * A leader of a greater reign that has not answered yet: how often it was asked, and from when on its word has it asked again.
 */
export interface Claimant {
  readonly id: Member.NodeId
  readonly incarnation: number
  readonly tries: number
  readonly againAt: number
}

/** One client, whole. */
export interface State extends Flights {
  readonly client: Client.Client
  /** The largest message that is put together of parts, in characters of its JSON. */
  readonly maxMessageBytes: number
  /** Time between two signs of life, in ms. */
  readonly interval: number
  readonly phase: "Joining" | "Joined" | "Leaving" | "Left"
  /** The reign followed; null while none is known. */
  readonly reign: Reign.Reign | null
  /** The newest reign followed, and whether its leader gave it up by its own word. */
  readonly last: {
    readonly reign: Reign.Reign
    readonly isOver: boolean
    /** Where its leader was last spoken to, and until when. */
    readonly address: Member.Address | null
    readonly until: number
  } | null
  /** The address of the leader: the source of its newest message since it last moved, or the one that others name. */
  readonly address: Member.Address | null
  /** How often it has moved, by its own word. */
  readonly leaderMoved: number
  readonly leaderHeardAt: number
  /** When it last answered what we said: it hears us. */
  readonly leaderAnsweredAt: number
  /** Whether it has said that it reads several messages in one datagram. */
  readonly leaderBatches: boolean
  /** Whether it reads topics and parts, by its own word; null where we follow none, or it has not spoken yet. */
  readonly leaderReads: boolean | null
  /** Leaders that were dropped since they did not answer, and have not answered since. */
  readonly unanswering: ReadonlyArray<Unanswering>
  /** A server that claims a greater reign than that of the leader we talk to, and is asked to let us in. */
  readonly claimant: Claimant | null
  /** How many servers the leader saw when it last let us in. */
  readonly members: number
  /** The servers heard lately, and when. */
  readonly heard: HashMap.HashMap<Member.NodeId, number>
  readonly receiver: Receiver.Receiver
  /** When it last noticed that it misses something that was relayed. */
  readonly missedAt: number
  /** Messages that were asked of the group, and that nobody has repeated yet; and the time at which we do. */
  readonly answers: ReadonlyArray<Receiver.Delivered>
  readonly answerAt: number
  /** The join that is under way, or the next: its nonce, how often it was said, and when it is due (again). */
  readonly join: { readonly nonce: string; readonly tries: number; readonly dueAt: number }
  /** The nonce of the join before, which more than one leader may answer. */
  readonly answered: string
  readonly leavings: number
}

/**
 * The outputs of a step, in the order in which they are carried out.
 *
 * - `Send`: `to` null is the group. With `batches` it may be put into one datagram with others. `Emit`: tell the readers. `Farewell`: nothing more will come.
 * - `Acknowledged`: the message of that ticket is the leader's now. `QueueFull`: it was not taken. `Refused`: it is not sent any
 *   more, as these servers or clients would read it as something else. `Deliver`: hand it to those who subscribe.
 * - `Drop`: count one more dropped message of this reason.
 */
export type Output =
  | {
    readonly _tag: "Send"
    readonly to: Member.Address | null
    readonly message: Message.Message
    readonly batches?: boolean
  }
  | { readonly _tag: "Emit"; readonly event: ClientEvent.ClientEvent }
  | { readonly _tag: "Acknowledged"; readonly ticket: number; readonly seq: number }
  | { readonly _tag: "QueueFull"; readonly ticket: number }
  | { readonly _tag: "Refused"; readonly ticket: number; readonly older: ReadonlyArray<string> }
  | { readonly _tag: "Deliver"; readonly message: Parts.Whole }
  | { readonly _tag: "Drop"; readonly reason: "PartLost" }
  | { readonly _tag: "Farewell" }

/** One step of a client while it lasts. */
export class ClientContext extends WorkingCopy<State, Output> {
  send(to: Member.Address | null, message: Message.Message, batches = false): void {
    this.outputs.push({ _tag: "Send", to, message, ...batches ? { batches } : {} })
  }

  emit(event: Untimed<ClientEvent.ClientEvent>): void {
    this.outputs.push({ _tag: "Emit", event: { at: this.now.wall, ...event } as ClientEvent.ClientEvent })
  }
}
