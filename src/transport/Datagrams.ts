/**
 * The port through which all datagrams enter and leave: by multicast to the group and by unicast to one address.
 * `NodeDatagrams` is the real one; its in-memory implementation is the simulated network of `bellwether/testing`.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { Address } from "../protocol/model/Member.ts"
import type { Cipher } from "../protocol/wire/Sealing.ts"
import type { MulticastGroup } from "../settings/MulticastGroup.ts"
import type * as CrashLinks from "./CrashLinks.ts"

/**
 * What went wrong with a socket. `kind` is for code to act on, `message` for people. `code` and `syscall` are what the system
 * said, where it did: the name of its error (`EMFILE`), and what it was asked to do (`bind`).
 *
 * Errors: `AddressInUse`, `NoSuchInterface` and `NoSuchName` are the operator's to mend, and so is `TooManyMemberships`: the
 * system lets one socket join no more interfaces. `Unreachable`, `PermissionDenied`, `OutOfDescriptors` (the process can open
 * no more files) and `Unknown` may pass by themselves and are retried; `TooLarge` and `Closed` are ours;
 * `NetworkChanged` is no fault but news, reported through `troubles` only: an interface came, went or came back. During
 * `scan`, the system did not say which interfaces there are.
 *
 * @category errors
 * @since 0.1.0
 */
export class DatagramsFailed extends Schema.TaggedError<DatagramsFailed>()("DatagramsFailed", {
  during: Schema.Literals(["scan", "open", "join", "send", "receive"]),
  kind: Schema.Literals([
    "AddressInUse",
    "AddressNotAvailable",
    "NoSuchInterface",
    "Unreachable",
    "ConnectionRefused",
    "PermissionDenied",
    "OutOfDescriptors",
    "TooManyMemberships",
    "TooLarge",
    "Closed",
    "NoSuchName",
    "NetworkChanged",
    "Unknown"
  ]),
  where: Schema.String,
  code: Schema.optionalKey(Schema.String),
  syscall: Schema.optionalKey(Schema.String),
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message() {
    const said = [this.syscall, this.code].filter((word) => word !== undefined).join(" ")
    // What has no name of the system's own is at least said in the words of what refused it.
    const why = said === "" && this.kind === "Unknown" && this.cause instanceof Error ? this.cause.message : said
    return `${this.during} failed on ${this.where}: ${this.kind}${why === "" ? "" : ` (${why})`}`
  }
}

/**
 * What an endpoint is opened with.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** The multicast group: one address, or one of each family. */
  readonly multicastAddress: ReadonlyArray<MulticastGroup>
  readonly port: number
  readonly ttl: number
  /** Names or addresses of interfaces; empty for: all that are up, multicast-capable and no virtual bridges, else `lo`. */
  readonly interfaces: ReadonlyArray<string>
  /** The port of the unicast sockets; 0 for any. */
  readonly unicastPort: number
  /** False where nothing is to be sent or received by multicast: then the group's port is not opened. */
  readonly multicast?: boolean | undefined
}

/**
 * One of our unicast sockets, and the interface it is bound to.
 *
 * @category models
 * @since 0.1.0
 */
export interface LocalAddress extends Address {
  readonly interface: string
}

/**
 * One datagram that arrived. `via` says through which socket: the group's (multicast) or a unicast one.
 *
 * @category models
 * @since 0.1.0
 */
export interface Received {
  readonly payload: Uint8Array
  readonly from: Address
  readonly via: "multicast" | "unicast"
}

/**
 * One opened presence on the network.
 *
 * @category models
 * @since 0.1.0
 */
export interface Endpoint {
  readonly hostname: string
  /**
   * Every unicast socket; the first is the primary one, whose address is announced: of the interfaces that are there and lead to
   * other hosts, that of the default route, else the first chosen. Never empty.
   */
  readonly local: readonly [LocalAddress, ...ReadonlyArray<LocalAddress>]
  /** Waits for the next datagrams and takes all that are there, in order of arrival. One reader. Never fails: it waits. */
  readonly receive: Effect.Effect<ReadonlyArray<Received>>
  /**
   * Whether the address of the first is one that no other host has. Not so where there is no interface yet, or only the
   * loopback and nobody asked for it.
   */
  readonly hasAddress: () => boolean
  /** The port of the unicast socket from which something to that address is sent. */
  readonly portTowards: (ip: string) => number
  /** Out of every interface. Fails only where not one interface carried it. */
  readonly multicast: (payload: Uint8Array) => Effect.Effect<void, DatagramsFailed>
  /** To one address, out of the interface whose network it is on, else the primary one. */
  readonly unicast: (to: Address, payload: Uint8Array) => Effect.Effect<void, DatagramsFailed>
  /**
   * As `unicast`, but stays for up to 50 ms to hear whether the address refuses: its host is there, and says that no
   * socket has that port. `"sent"` says nothing about the address. Sent from a port of its own, so an answer
   * must go to the port that the payload names ({@link Endpoint.portTowards}), not to the one that the datagram came from.
   */
  readonly ask: (to: Address, payload: Uint8Array) => Effect.Effect<"sent" | "refused", DatagramsFailed>
  /** So many bytes that nobody can foresee: in production, from a cryptographic source. */
  readonly random: (bytes: number) => Uint8Array
  /**
   * The AES of the platform; left out where the portable one is to be loaded.
   *
   * @internal
   */
  readonly cipher?: Cipher | undefined
  /** Whether others than this host could hear: an interface other than the loopback is used. Never so in memory. */
  readonly isExposed: () => boolean
  /** Whether an address is on a directly connected network: only such ones are answered. */
  readonly isDirect: (ip: string) => boolean
  /**
   * The addresses that a host name has now, of the families that this endpoint can reach; an address is its own. Fails with
   * `NoSuchName` where it has none, or nobody who knows can be asked.
   */
  readonly resolve: (host: string) => Effect.Effect<ReadonlyArray<string>, DatagramsFailed>
  /** Waits for the next fault or change of the network that nobody's call failed with (a reader's error, a reopened socket). */
  readonly troubles: Effect.Effect<DatagramsFailed>
  /**
   * Opens the crash links of a server; left out where there are none.
   *
   * @internal
   */
  readonly openLinks?: CrashLinks.Open | undefined
  /** Datagrams dropped since the start: our receive buffer was full, or they were longer than any frame. */
  readonly dropped: Effect.Effect<number>
}

/**
 * Opens endpoints. Closing the scope leaves the group and closes the sockets.
 *
 * Must not block: `receive` suspends the fiber; sends hand the payload to the system and return.
 *
 * @category services
 * @since 0.1.0
 */
export class Datagrams extends Context.Service<Datagrams, {
  readonly open: (options: Options) => Effect.Effect<Endpoint, DatagramsFailed, Scope.Scope>
  /**
   * The process that its sockets are those of; left out where there is none, as in memory.
   *
   * @internal
   */
  readonly owner?: object | undefined
}>()("bellwether/transport/Datagrams") {}
