/**
 * How two servers of one app come to be one, while its group moves from one backend to another: `bellwether/Moving` builds the layers
 * of both, and each gives what it is made of. A server that is built by itself is asked for nothing.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Backend from "../backend/Backend.ts"
import type * as Group from "./Group.ts"
import type * as LeadingWork from "./LeadingWork.ts"

/** What a server is made of. */
export interface Part {
  readonly backend: Backend.Backend
  readonly group: Group.GroupShape
  readonly works: LeadingWork.All
  /** A reign elsewhere has that term: the next one here, if it is of this server, is above it. */
  readonly heard: (election: string, term: number) => Effect.Effect<void>
  /** How it leads within reigns of another one; null where it cannot, as on a LAN. */
  readonly enclosed: Enclosed | null
}

/** A server that leads only within the reigns of another one; see `RegistryState.State`. */
export interface Enclosed {
  /** The other one leads that election, in that term; null: it does not. */
  readonly enclose: (election: string, term: number | null) => Effect.Effect<void>
  /** The newest term here, where that makes the reign around of no use; null where it may be of use. */
  readonly passedBy: (election: string) => Effect.Effect<number | null>
  /** Whether it reaches its registry. */
  readonly isLive: Effect.Effect<boolean>
  /** How long its sessions last, in ms. */
  readonly leaseDuration: number
}

/** What a server is in a pair. It hands over its part once, when it has started. */
export type Role =
  & { readonly take: (part: Part) => void }
  & (
    | { readonly _tag: "First" }
    | { readonly _tag: "Second"; readonly first: Part }
  )

/** The role of the server that is being built; null where it is by itself. */
export const Pairing = Context.Reference<Role | null>("bellwether/server/Pairing", { defaultValue: () => null })
