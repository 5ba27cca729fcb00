/** What a step leaves to be done. */
import type * as Schema from "effect/Schema"
import type * as Parts from "../delivery/Parts.ts"
import type * as Event from "./Event.ts"
import type * as Member from "./Member.ts"
import type * as Message from "./Message.ts"
import type { Known } from "./Runs.ts"

/**
 * The outputs of a step, in the order in which they are carried out.
 *
 * - `Send`: one message to each of these addresses, of which there is at least one; null is multicast to the group. With
 *   `batches` it may be put into one datagram with others.
 * - `Ask`: send to one address and see whether its host refuses it; if so, step `Refused`. If our own system does not let
 *   us, step `NotAsked`.
 * - `Emit`: tell the readers. `EndWork`: end all leading work of this election, then step `WorkEnded`.
 * - `AwaitIdle`: when no leading work of this election runs, of any reign, step `WorkIdle`. `Farewell`: nothing more
 *   will come.
 * - `Deliver`: hand a message of a client to those who subscribe to its topic.
 * - `Published`: the message of that ticket is accepted. `NotPublished`: it is not sent, since these would read it as something
 *   else; where nobody is named, since too many wait.
 * - `Drop`: count one more dropped datagram of this reason.
 * - `KeepLinks`: crash links with these are to be kept open from this side, and with no others. `TryLink`: whether somebody
 *   listens for links there is to be tried, then step `LinkTried`.
 * - `RunMarked`: in answer to `MarkRun` of that request: enough members keep the marks, and know these.
 * - `Hear`: tell those who read that topic. `Handle`: have the question handled, then step `Handled`. `Answered`: this is what
 *   came of that question of the app; `text` is the JSON that belongs to the outcome.
 * - `Granted`: the app holds this from now on. `EndGrant`: what is done under that grant is to be ended, then step `Release`.
 *   `HoldRefused`: nothing can be held, for others of the space differ, too much is held, or this server leaves.
 * - `AskAnswered`: the leader has answered that ask of a session. `again`: it grants nothing for so many ms more.
 */
export type Output =
  | {
    readonly _tag: "Send"
    readonly to: ReadonlyArray<Member.Address | null>
    readonly message: Message.Message
    readonly batches?: boolean
  }
  | { readonly _tag: "Ask"; readonly id: Member.NodeId; readonly to: Member.Address; readonly message: Message.Message }
  | { readonly _tag: "Emit"; readonly event: Event.Event }
  | { readonly _tag: "EndWork"; readonly election: string }
  | { readonly _tag: "AwaitIdle"; readonly election: string; readonly term: number }
  | { readonly _tag: "Farewell" }
  | { readonly _tag: "Deliver"; readonly message: Parts.Whole }
  | { readonly _tag: "Published"; readonly ticket: number; readonly seq: number }
  | { readonly _tag: "NotPublished"; readonly ticket: number; readonly older: ReadonlyArray<string> }
  | { readonly _tag: "Drop"; readonly reason: DropReason }
  | { readonly _tag: "KeepLinks"; readonly peers: ReadonlyArray<LinkPeer> }
  | { readonly _tag: "TryLink"; readonly peer: LinkPeer }
  | { readonly _tag: "RunMarked"; readonly request: number; readonly known: Known }
  | {
    readonly _tag: "Hear"
    readonly by: "broadcast" | "sendTo"
    readonly from: Member.Member
    readonly topic: string
    readonly body: Schema.Json
  }
  | {
    readonly _tag: "Handle"
    readonly from: Member.Member
    readonly seq: number
    readonly question: string
    readonly text: string
  }
  | {
    readonly _tag: "Answered"
    readonly number: number
    readonly by: Member.NodeId | null
    readonly outcome: string
    readonly text: string
  }
  | { readonly _tag: "Granted"; readonly hold: number; readonly resource: number; readonly token: string }
  | {
    readonly _tag: "EndGrant"
    readonly hold: number
    readonly resource: number
    readonly why: "Moving" | "Expiring" | "Lost" | "Leaving"
  }
  | { readonly _tag: "HoldRefused"; readonly hold: number; readonly why: "Differs" | "Full" | "Left" }
  | { readonly _tag: "AskAnswered"; readonly hold: number; readonly seq: number; readonly again: number }

/** One start of a server, and where it accepts crash links. */
export interface LinkPeer {
  readonly id: Member.NodeId
  readonly incarnation: number
  readonly address: Member.Address
}

/**
 * Why a valid message was not acted on.
 *
 * - `Own`: our own, back from the group. `Duplicate`: somebody else's under our id. `Stale`: of an earlier start.
 * - `Departed`: of a server or client that is gone. `MembersFull`, `ClientsFull`: of one too many. `TombstonesFull`: a
 *   tombstone was dropped before its time, for another.
 * - `WitnessLimit`: a question to witnesses, or an answer of ours to one, that would be one too many.
 * - `HandoversFull`: of one server too many that asks to have its promises kept.
 * - `CommandRefused`: a command of somebody who may not command.
 * - `InboxFull`: the app does not read its inbox fast enough; the client sends it again. `OutOfTurn`: too far ahead of its
 *   turn. `PartLost`: a part of a message of which others are lost, or that is too large. `BodyRefused`:
 *   a message on a topic, whose body is not of the schema that the app gave. `PathProbesFull`: one path probe too many was not repeated.
 * - `RunsFull`: the marks of a job were dropped for those of one too many.
 * - `NoMember`: what a server said that is no member here. `TalkRepeated`: what it said that came before, or is too old to tell.
 *   `TalkFull`: a question that would be one too many, or whose answer is kept no more. `LateAnswer`: an answer, or a request for
 *   parts, that nobody waits for.
 * - `GrantRepeated`: an ask for grants, or an answer to one, that came before or was overtaken. `GrantsFull`: a session of one that
 *   would hold something that would be one too many. `GrantConflict`: two say that they hold something since before this reign: a clock is wrong.
 */
export type DropReason =
  | "Own"
  | "Duplicate"
  | "Stale"
  | "Departed"
  | "MembersFull"
  | "ClientsFull"
  | "TombstonesFull"
  | "WitnessLimit"
  | "HandoversFull"
  | "InboxFull"
  | "OutOfTurn"
  | "PartLost"
  | "BodyRefused"
  | "PathProbesFull"
  | "CommandRefused"
  | "RunsFull"
  | "NoMember"
  | "TalkRepeated"
  | "TalkFull"
  | "LateAnswer"
  | "GrantRepeated"
  | "GrantsFull"
  | "GrantConflict"

type WithoutHeader<M> = M extends Message.FromServer ? Omit<M, Exclude<keyof Message.Header, "hears"> | Added> : never
type Added = "delivered" | "alive" | "hops" | "through" | "sees" | "pace"

/**
 * A server's message without its header, and without the newest index, its own pace and what it knows of the leader's life,
 * which are put to it at the moment of sending.
 */
export type Body = WithoutHeader<Message.FromServer>
