/**
 * The sockets of one machine: receive buffers, who waits at them, and what a kernel does about them.
 */
import * as Effect from "effect/Effect"
import type * as Random from "effect/Random"
import type { Address } from "../../protocol/Member.ts"
import type * as Datagrams from "../../transport/Datagrams.ts"
import type { Agenda } from "./agenda.ts"
import type { Datagram, Ledger } from "./ledger.ts"

export interface Socket {
  readonly machine: Machine
  readonly options: Datagrams.Options
  readonly address: Address
  buffer: Array<Datagram>
  dropped: number
  reader: ((batch: ReadonlyArray<Datagrams.Received>) => void) | undefined
  wakening: boolean
  readonly troubles: Array<Datagrams.DatagramsFailed>
  troubled: ((trouble: Datagrams.DatagramsFailed) => void) | undefined
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
  readonly ip: string
  readonly subnet: string
  readonly sockets: Set<Socket>
  readonly ports: Map<number, Socket>
  /** By their ports. */
  readonly questions: Map<number, Question>
  readonly chance: Random.Random
  /** Nobody reads: its processes are stopped. */
  frozen: boolean
  /** They go on, and by this its clock has yet to. */
  going: { readonly clock: Effect.Effect<void> } | undefined
  suspended: boolean
  /** Its interface is down. */
  down: boolean
  overflowUntil: number
  multicastLoss: number
}

const maxTroubles = 16

export const drawPort = ({ chance, ports, questions }: Machine): number => {
  for (;;) {
    const port = 49_152 + Math.floor(chance.nextDoubleUnsafe() * 16_384)
    if (!ports.has(port) && !questions.has(port)) return port
  }
}

export const open = (machine: Machine, options: Datagrams.Options, port: number): Socket => {
  const socket: Socket = {
    machine,
    options,
    address: { ip: machine.ip, port },
    buffer: [],
    dropped: 0,
    reader: undefined,
    wakening: false,
    troubles: [],
    troubled: undefined,
    state: "open"
  }
  machine.sockets.add(socket)
  machine.ports.set(port, socket)
  return socket
}

export const close = (socket: Socket, state: "closed" | "dead"): void => {
  const { machine } = socket
  socket.state = state
  socket.reader = undefined
  socket.troubled = undefined
  socket.buffer = []
  machine.sockets.delete(socket)
  for (const [port, { asker }] of machine.questions) {
    if (asker === socket) machine.questions.delete(port)
  }
  // A dead one's port may be another's by now.
  if (machine.ports.get(socket.address.port) === socket) machine.ports.delete(socket.address.port)
}

const take = (socket: Socket): ReadonlyArray<Datagrams.Received> => {
  const batch = socket.buffer
  socket.buffer = []
  return batch.map(({ from, payload, via }) => ({ payload, from, via }))
}

const wakeReader = (socket: Socket): void => {
  socket.wakening = false
  const { reader } = socket
  if (reader === undefined || socket.machine.frozen || socket.buffer.length === 0) return
  socket.reader = undefined
  reader(take(socket))
}

/** A datagram comes in. Its reader, where one waits, is woken once all that arrives at this instant has. */
export const arrive = (
  socket: Socket,
  datagram: Datagram,
  { agenda, capacity, dropsOldest, ledger }: {
    readonly agenda: Agenda
    readonly ledger: Ledger
    readonly capacity: number
    readonly dropsOldest: boolean
  }
): void => {
  const { machine } = socket
  if (socket.state !== "open") return ledger.dropped(datagram, "nobody", machine.name)
  if (machine.down || machine.suspended) return ledger.dropped(datagram, "down", machine.name)
  if (agenda.now() < machine.overflowUntil) {
    socket.dropped++
    return ledger.dropped(datagram, "overflow", machine.name)
  }
  if (socket.buffer.length >= capacity) {
    socket.dropped++
    const oldest = dropsOldest ? socket.buffer.shift() : undefined
    if (oldest === undefined) return ledger.dropped(datagram, "overflow", machine.name)
    ledger.displaced(oldest, machine.name)
  }
  ledger.delivered(datagram, machine.name)
  socket.buffer.push(datagram)
  if (socket.reader !== undefined && !socket.wakening && !machine.frozen) {
    socket.wakening = true
    agenda.afterArrivals(() => wakeReader(socket))
  }
}

/** An answer comes to the port of a question: its endpoint hears it as any unicast, and the question is over. */
export const answer = (machine: Machine, datagram: Datagram, kernel: Parameters<typeof arrive>[2]): void => {
  const question = machine.questions.get(datagram.to.port)
  if (question === undefined || !isFrom(question.peer, datagram)) {
    return kernel.ledger.dropped(datagram, "nobody", machine.name)
  }
  arrive(question.asker, datagram, kernel)
  if (machine.frozen || machine.suspended || machine.down) return
  machine.questions.delete(datagram.to.port)
  kernel.agenda.afterArrivals(question.answered)
}

const isFrom = (peer: Address, { from }: Datagram) => from.ip === peer.ip && from.port === peer.port

export const receive = (socket: Socket): Effect.Effect<ReadonlyArray<Datagrams.Received>> =>
  Effect.callback((resume) => {
    if (socket.buffer.length > 0 && !socket.machine.frozen) {
      resume(Effect.succeed(take(socket)))
      return undefined
    }
    const reader = (batch: ReadonlyArray<Datagrams.Received>) => resume(Effect.succeed(batch))
    socket.reader = reader
    return Effect.sync(() => {
      if (socket.reader === reader) socket.reader = undefined
    })
  })

export const trouble = (socket: Socket, failure: Datagrams.DatagramsFailed): void => {
  const waiting = socket.troubled
  if (waiting !== undefined && !socket.machine.frozen) {
    socket.troubled = undefined
    waiting(failure)
  } else {
    socket.troubles.push(failure)
    if (socket.troubles.length > maxTroubles) socket.troubles.shift()
  }
}

export const troubles = (socket: Socket): Effect.Effect<Datagrams.DatagramsFailed> =>
  Effect.callback((resume) => {
    const first = socket.machine.frozen ? undefined : socket.troubles.shift()
    if (first !== undefined) {
      resume(Effect.succeed(first))
      return undefined
    }
    const waiting = (failure: Datagrams.DatagramsFailed) => resume(Effect.succeed(failure))
    socket.troubled = waiting
    return Effect.sync(() => {
      if (socket.troubled === waiting) socket.troubled = undefined
    })
  })

/** Its processes go on: whoever waits gets what came meanwhile. */
export const thaw = (machine: Machine): void => {
  machine.frozen = false
  for (const socket of machine.sockets) {
    wakeReader(socket)
    const failure = socket.troubled === undefined ? undefined : socket.troubles.shift()
    if (failure !== undefined) trouble(socket, failure)
  }
}
