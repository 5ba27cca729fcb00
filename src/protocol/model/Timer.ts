/** What a server waits for. */
import type { Commander } from "./CommandMessages.ts"
import type * as Member from "./Member.ts"
import type { Body } from "./Output.ts"

/** The purpose of a timer. */
export type Timer =
  | { readonly _tag: "DiscoveryOver"; readonly times: number }
  | { readonly _tag: "Stable" }
  | {
    readonly _tag: "SayAgain"
    readonly key: string
    readonly to: Member.Address | null
    readonly body: Body
    readonly gaps: ReadonlyArray<number>
  }
  | {
    readonly _tag: "Respond"
    readonly id: Member.NodeId
    readonly to: Member.Address
    readonly nonce: string
    readonly chance: number
  }
  | { readonly _tag: "Check"; readonly id: Member.NodeId }
  | { readonly _tag: "LeaderSign" }
  | { readonly _tag: "LeaderMissed"; readonly id: Member.NodeId }
  | { readonly _tag: "AskWitnesses" }
  | { readonly _tag: "Links" }
  | { readonly _tag: "AskForRefusal"; readonly id: Member.NodeId }
  | { readonly _tag: "TellCrash" | "ConfirmCrash"; readonly id: Member.NodeId; readonly incarnation: number }
  | { readonly _tag: "Proof"; readonly id: Member.NodeId; readonly left: number; readonly gap: number }
  | { readonly _tag: "Page" }
  | {
    readonly _tag: "Evict"
    readonly id: Member.NodeId
    readonly incarnation: number
    readonly by: Commander
    /** Whether the others are told. */
    readonly tells: boolean
    readonly since: number
    /** How many more times it is asked. */
    readonly left: number
  }
  | { readonly _tag: "Stand"; readonly election: string }
  | { readonly _tag: "NoObjection"; readonly election: string }
  | { readonly _tag: "Object"; readonly election: string; readonly to: Member.NodeId; readonly standing: number }
  | { readonly _tag: "WaitOver"; readonly election: string }
  | { readonly _tag: "IneligibleOver"; readonly election: string }
  | { readonly _tag: "Eligible"; readonly election: string }
  | { readonly _tag: "NoMajority"; readonly election: string }
  | { readonly _tag: "PreVote"; readonly election: string }
  | { readonly _tag: "RenewLease"; readonly election: string }
  | { readonly _tag: "LeaseEnds"; readonly election: string }
  | { readonly _tag: "Withdrawn"; readonly election: string }
  | { readonly _tag: "Repair" }
  | { readonly _tag: "Answer" }
  | { readonly _tag: "Publish" }
  | { readonly _tag: "NameNewest"; readonly isLast: boolean }
  | {
    readonly _tag: "Handover"
    readonly due: "votes" | "question" | "record"
    readonly gaps: ReadonlyArray<number>
  }
  | { readonly _tag: "Asks" }
  | { readonly _tag: "Farewell" }
  | { readonly _tag: "Grants" | "Holdings" | "GrantsEnded" }
  | { readonly _tag: "Run"; readonly request: number }
