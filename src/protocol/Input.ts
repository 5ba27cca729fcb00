/** What can happen to a server. */
import type * as Claiming from "./grants/Claiming.ts"
import type { Description } from "./membership/Description.ts"
import type * as Client from "./model/Client.ts"
import type * as Member from "./model/Member.ts"
import type * as Message from "./model/Message.ts"
import type { Mark } from "./model/Runs.ts"
import type * as Answering from "./talk/Answering.ts"
import type * as Asking from "./talk/Asking.ts"
import type * as Saying from "./talk/Saying.ts"

/**
 * What can happen to a server.
 *
 * - `Start`: once, first of all. `Discover`, `Heartbeat`, `Sweep`, `PauseDetector`: the ticks of the four fibers.
 * - `Received`: a message came. `mayCommand`: a `COMMAND` of somebody whom this server obeys. `Due`: what was due at `Step.dueAt` is due; any other input will do as well.
 * - `Refused`: the host of a member that was asked says that nobody listens there. `NotAsked`: our own system did not let us
 *   ask. `Moved`: our own sockets' addresses are
 *   others now. `Seeds`: the names of the seeds resolve to these now.
 * - `LinkUp`, `LinkLeft`, `LinkBroke`, `LinkTried`: what happened to the crash links with that start of a server.
 * - `WorkEnded`: in answer to `EndWork`; not `finished` where it has had its time and runs on. `WorkOverran`: so has
 *   leading work of the reign of that term, asked for or not.
 *   `WorkFinished`: none of that kind runs any more. `WorkIdle`: in answer to `AwaitIdle`, none of any kind does.
 * - `WorkGivenUp`: all leading work of the app has failed for good. `WorkOffered`: it has some again.
 * - `Campaign`: this server takes part in a named election from now on. `Withdraw`: no longer.
 * - `Describe`: this server says that of itself from now on.
 * - `Room`: the app has read its inbox; so many messages may have been handed to it since the start.
 * - `Publish`: the app publishes something; `Unpublish`: it waits for that no more. What has gone out cannot be taken back.
 * - `Page`: this server's page is there from now on, or no longer.
 * - `Resign`: the lead is to be given up. `StepDown`: so it is, and this server is no candidate for so many ms, regardless of who leads.
 *   `Transfer`: it is to be handed to a member. `Heard`: a reign elsewhere has that term, so the next one here is to be above it.
 * - `MarkRun`: this server leads, and wants these marks of a job kept; `RunMarked` answers.
 * - `Say`: something is to be said on a topic. `Question`: a member is to be asked; the answer is the output `Answered`.
 *   `GiveUp`: nobody waits for it any more. `Handled`: in answer to `Handle`.
 * - `Hold`: something is to be held, or something else from now on. `Release`: what was done under these grants has
 *   ended, by their resources and tokens. `Unhold`: nothing is held any more; not `finished` where something still runs.
 * - `Leave`: the group is to be left; it is over with `Farewell`.
 *
 * Where no `election` is named, it is the group's own.
 */
export type Input =
  | { readonly _tag: "Start" }
  | { readonly _tag: "Discover" }
  | { readonly _tag: "Heartbeat" }
  | { readonly _tag: "Sweep" }
  | { readonly _tag: "CheckPause" }
  | {
    readonly _tag: "Received"
    readonly message: Message.Message
    readonly from: Member.Address
    readonly via: "multicast" | "unicast"
    readonly mayCommand?: boolean
  }
  | { readonly _tag: "Due" }
  | { readonly _tag: "Refused"; readonly id: Member.NodeId }
  | { readonly _tag: "NotAsked"; readonly id: Member.NodeId }
  | { readonly _tag: "LinkUp" | "LinkLeft" | "LinkBroke"; readonly id: Member.NodeId; readonly incarnation: number }
  | {
    readonly _tag: "LinkTried"
    readonly id: Member.NodeId
    readonly incarnation: number
    readonly outcome: "Refused" | "Inconclusive"
  }
  | { readonly _tag: "Moved"; readonly addresses: ReadonlyArray<Member.Address> }
  | { readonly _tag: "Seeds"; readonly addresses: ReadonlyArray<Member.Address> }
  | { readonly _tag: "WorkEnded"; readonly election?: string; readonly finished?: boolean }
  | { readonly _tag: "WorkOverran"; readonly election?: string; readonly term: number }
  | { readonly _tag: "WorkFinished"; readonly election?: string }
  | { readonly _tag: "WorkIdle"; readonly election?: string; readonly term: number }
  | { readonly _tag: "WorkGivenUp"; readonly election?: string }
  | { readonly _tag: "WorkOffered"; readonly election?: string }
  | { readonly _tag: "Campaign"; readonly election: string }
  | { readonly _tag: "Withdraw"; readonly election: string }
  | { readonly _tag: "Resign"; readonly election?: string }
  | { readonly _tag: "StepDown"; readonly election?: string; readonly millis: number }
  | { readonly _tag: "Transfer"; readonly election?: string; readonly to: Member.NodeId }
  | { readonly _tag: "Heard"; readonly election?: string; readonly term: number }
  | { readonly _tag: "Describe"; readonly description: Description }
  | { readonly _tag: "Room"; readonly limit: number }
  | {
    readonly _tag: "Publish"
    readonly ticket: number
    readonly body: Client.Body
    readonly topic?: string | undefined
  }
  | { readonly _tag: "Unpublish"; readonly ticket: number }
  | { readonly _tag: "Page"; readonly page: string | null }
  | {
    readonly _tag: "MarkRun"
    readonly request: number
    readonly leadership: string
    readonly job: string
    readonly mark: Mark
  }
  | { readonly _tag: "Say" } & Saying.Said
  | { readonly _tag: "Question" } & Asking.Question
  | { readonly _tag: "GiveUp"; readonly number: number }
  | { readonly _tag: "Handled" } & Answering.Answer
  | { readonly _tag: "Hold" } & Claiming.Wanted
  | { readonly _tag: "Release"; readonly hold: number; readonly tokens: ReadonlyMap<number, string> }
  | { readonly _tag: "Unhold"; readonly hold: number; readonly finished: boolean }
  | { readonly _tag: "Leave" }
