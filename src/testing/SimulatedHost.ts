/**
 * A machine of a simulated network.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { Address } from "../protocol/model/Member.ts"
import type * as Datagrams from "../transport/Datagrams.ts"
import type * as Machine from "./internal/machine.ts"
import type * as SimulatedClock from "./SimulatedClock.ts"

/**
 * What a machine is added with.
 *
 * @category models
 * @since 0.1.0
 */
export interface HostOptions extends SimulatedClock.Options {
  readonly name: string
  /**
   * 10.0.0.1 for the first, and so on, unless set. Machines are on one network if all but the last part is equal. With null
   * it has no address yet: what is opened on it then is opened on its loopback, which reaches nobody else.
   */
  readonly ip?: string | null | undefined
}

/** @internal */
export const optionNames: ReadonlyArray<string> = Object.keys(
  { name: true, ip: true, rate: true, wallAhead: true } satisfies { readonly [K in keyof HostOptions]-?: boolean }
)

/**
 * An interface of a machine. `ip` is null while it has no address.
 *
 * @category models
 * @since 0.1.0
 */
export interface Interface {
  readonly name: string
  readonly ip: string | null
}

/**
 * What may fail on a machine for a while.
 *
 * - `scans`: its endpoints cannot look at its interfaces, and keep those that they know.
 * - `sockets`: no new one can be opened, as where a process has no file descriptors left: `ask` fails with `Unknown`, and
 *   no address that is new is used. What is open works.
 * - `sends`: everything that is to be sent fails with `PermissionDenied`. What comes is heard.
 *
 * @category models
 * @since 0.1.0
 */
export type Failing = Machine.Failing

/**
 * What happens to TCP connections to a machine, which are the links by which members know of a crash at once.
 *
 * - `open`: nothing. `rejected`: a firewall refuses them, and has reset those that were up; datagrams pass. `dropped`: a
 *   firewall drops them; those that are up stay.
 * - `taken`: another program accepts them at the ports that processes of the machine had, when these are gone.
 *
 * @category models
 * @since 0.1.0
 */
export type Tcp = Machine.Tcp

/**
 * A machine: interfaces with addresses, a clock, and the sockets that were opened on it.
 *
 * Its endpoints look at its interfaces now and then, as real ones do: they use one that has come, or an address that has
 * changed, within two seconds, and tell it by `troubles`. Until then they go on with what they knew: what they send from an
 * address that is gone fails with `AddressNotAvailable`, and what is sent to it finds nobody, or the one that has it now.
 *
 * @category models
 * @since 0.1.0
 */
export interface Host {
  readonly name: string
  /** That of its first interface that has one, now. */
  readonly ip: string
  /** Its interfaces, the first of which is called `sim0`: endpoints prefer them in this order. */
  readonly interfaces: Effect.Effect<ReadonlyArray<Interface>>
  /** Gives an interface, the first unless named, another address, or none (null). One that a machine has is a defect. */
  readonly setAddress: (ip: string | null, name?: string) => Effect.Effect<void>
  /** Adds an interface. A name that the machine has, or an address that any has, is a defect. */
  readonly addInterface: (name: string, ip: string | null) => Effect.Effect<void>
  /** Takes an interface away, with its address. */
  readonly removeInterface: (name: string) => Effect.Effect<void>
  /** Whether all its endpoints use its interfaces as they are now. False while none of these has an address. */
  readonly isCurrent: Effect.Effect<boolean>
  readonly isCurrentUnsafe: () => boolean
  readonly setFailing: (what: Failing, failing: boolean) => Effect.Effect<void>
  readonly setTcp: (tcp: Tcp) => Effect.Effect<void>
  readonly clock: SimulatedClock.SimulatedClock
  /** The network card, for those who want to be on another clock. */
  readonly datagrams: Datagrams.Datagrams["Service"]
  /** `Datagrams` on this machine. What is built on it lives in true time. */
  readonly layerDatagrams: Layer.Layer<Datagrams.Datagrams>
  /** `Datagrams` on this machine, and its clock. */
  readonly layer: Layer.Layer<Datagrams.Datagrams>
  /** SIGSTOP: no sleeper wakes and nobody reads, while datagrams pile up in the receive buffers. */
  readonly pause: Effect.Effect<void>
  /**
   * SIGCONT. The waiting datagrams are read, then the expired sleepers wake: the order of a real event loop that was
   * stopped in its poll, and the nastier one. Or the other way round.
   */
  readonly resume: (first?: "datagrams" | "sleepers") => Effect.Effect<void>
  /** The lid is closed: as `pause`, and the monotonic clock stops, and datagrams find nobody. */
  readonly suspend: Effect.Effect<void>
  readonly wake: (first?: "datagrams" | "sleepers") => Effect.Effect<void>
  /** The interface goes down: sending and opening fail with `Unreachable`, nothing arrives. */
  readonly disconnect: Effect.Effect<void>
  readonly connect: Effect.Effect<void>
  /**
   * Ends what its endpoints do, as a kernel does when it kills their processes: nothing arrives, what their owners send
   * goes nowhere, their ports are free again. Nothing is interrupted.
   */
  readonly killEndpoints: Effect.Effect<void>
  /** Tells every endpoint of a fault that no call fails with. */
  readonly trouble: (failure: Datagrams.DatagramsFailed) => Effect.Effect<void>
  /** For so long every receive buffer is taken to be full: what arrives is dropped and counted, as in a flood. */
  readonly overflow: (duration: Duration.Input) => Effect.Effect<void>
  /** Datagrams that wait in its receive buffers. */
  readonly waiting: Effect.Effect<number>
  /** Every address at which one of its endpoints listens and is reached now. */
  readonly listening: Effect.Effect<ReadonlyArray<Address>>
  /** How many endpoints are open on it. */
  readonly endpoints: Effect.Effect<number>
}
