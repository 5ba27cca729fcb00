/**
 * What a simulated group is made with.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Struct from "effect/Struct"
import type * as Client from "../client/Client.ts"
import type * as Step from "../protocol/Step.ts"
import type * as Server from "../server/Server.ts"
import type * as Settings from "../settings/Settings.ts"
import type * as SimulatedClock from "./SimulatedClock.ts"
import * as SimulatedNetwork from "./SimulatedNetwork.ts"
import type { Stepped } from "./Stepped.ts"

/**
 * What a group is made with: besides this, all that a network is.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends SimulatedNetwork.Options {
  /** How many start at once. They are numbered from 0, and their machines called `s0`, `s1`, and so on. */
  readonly servers: number
  /** Settings of all, or of each. */
  readonly settings?: Settings.Options | ((index: number) => Settings.Options) | undefined
  /** Settings of all clients; those of the first server's that say where the group is hold for them too. */
  readonly clients?: Client.Options | undefined
  /** How the clock of each machine differs from true time. */
  readonly clocks?: ((index: number) => SimulatedClock.Options) | undefined
  /**
   * What runs on each server beside it, in its time and in its scope, anew at each start: the code under test. It is
   * killed and stopped with its server; where it fails, the next wait does.
   */
  readonly app?:
    | ((server: Server.ServerShape, index: number) => Effect.Effect<unknown, unknown, Scope.Scope>)
    | undefined
  /** How many of its newest events are kept for each server; 10,000 unless set. With 0 they are not even read. */
  readonly eventCapacity?: number | undefined
  /** Is called after every step of every server, within it: it must neither block nor step. What it throws is a defect. */
  readonly onStep?: ((step: Stepped) => void) | undefined
  /** What servers go by instead of the protocol, `Step.step`: to see what a fault in it would do. Pure. */
  readonly transition?: typeof Step.step | undefined
  /** For how many ms snapshots of each server are kept, to set it back to; 0 unless set. */
  readonly snapshots?: number | undefined
}

const own = {
  servers: true,
  settings: true,
  clients: true,
  clocks: true,
  app: true,
  eventCapacity: true,
  onStep: true,
  transition: true,
  snapshots: true
} satisfies Record<Exclude<keyof Options, keyof SimulatedNetwork.Options>, true>

/**
 * The names of all options.
 *
 * @category models
 * @since 0.1.0
 */
export const names: ReadonlyArray<string> = [...Object.keys(own), ...SimulatedNetwork.optionNames]

/**
 * Those of the options that are the network's.
 *
 * @category conversions
 * @since 0.1.0
 */
export const ofNetwork = (options: Options): SimulatedNetwork.Options =>
  Struct.omit(options, Object.keys(own) as ReadonlyArray<keyof typeof own>)
