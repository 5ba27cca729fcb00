/** What one machine of a simulated network is made of: interfaces, the sockets that are open on it, and what ails it. */
import type * as Effect from "effect/Effect"
import type * as Random from "effect/Random"
import type { Address } from "../../protocol/model/Member.ts"
import type * as Datagrams from "../../transport/Datagrams.ts"
import type { Datagram } from "./ledger.ts"

/** One interface. `ip` is null while it has no address. */
export interface Interface {
  readonly name: string
  ip: string | null
  /** That of its address, or of the last that it had. */
  subnet: string
}

/** An address that an endpoint has opened. */
export interface Local extends Datagrams.LocalAddress {
  readonly subnet: string
  /** Whether the interface still has it. */
  isThere: boolean
}

/** One presence on the network: what it has opened on each of the interfaces that it knows of, and one buffer for all. */
export interface Socket {
  readonly machine: Machine
  readonly options: Datagrams.Options
  /** Of the interfaces as they were when it last looked; the first is the primary one. Never empty. */
  locals: ReadonlyArray<Local>
  /** The interfaces on which it has joined its group. */
  joined: ReadonlyArray<Interface>
  buffer: Array<Datagram>
  dropped: number
  reader: ((batch: ReadonlyArray<Datagrams.Received>) => void) | undefined
  wakening: boolean
  readonly troubles: Array<Datagrams.DatagramsFailed>
  troubled: ((trouble: Datagrams.DatagramsFailed) => void) | undefined
  /** The crash links of its process, if it has any. */
  links: { readonly died: () => void; readonly thawed: () => void } | undefined
  /** `dead`: its process was killed, and its owner still believes it open. */
  state: "open" | "closed" | "dead"
}

/** The socket of a question: connected to one address, and closed with the first answer or after a while. */
interface Question {
  readonly asker: Socket
  readonly peer: Address
  readonly answered: () => void
}

export interface Machine {
  readonly name: string
  /** In the order in which they are preferred. */
  readonly interfaces: Array<Interface>
  readonly sockets: Set<Socket>
  readonly ports: Map<number, Socket>
  /** By their ports. */
  readonly questions: Map<number, Question>
  readonly chance: Random.Random
  tcp: Tcp
  /** Nobody reads: its processes are stopped. */
  frozen: boolean
  /** They go on, and by this its clock has yet to. */
  going: { readonly clock: Effect.Effect<void> } | undefined
  suspended: boolean
  /** Its interface is down. */
  down: boolean
  overflowUntil: number
  multicastLoss: number
  readonly failing: Record<Failing, boolean>
  /** Its endpoints are to look at its interfaces at some instant to come. */
  looksLater: boolean
}

/** What happens to TCP connections to a machine: another program has the ports that its processes had (`taken`). */
export type Tcp = "open" | "rejected" | "dropped" | "taken"

/** What may fail on a machine for a while. */
export type Failing = "scans" | "sockets" | "sends"

/** A port that nothing on the machine has. */
export const drawPort = ({ chance, ports, questions }: Machine): number => {
  for (;;) {
    const port = 49_152 + Math.floor(chance.nextDoubleUnsafe() * 16_384)
    if (!ports.has(port) && !questions.has(port)) return port
  }
}
