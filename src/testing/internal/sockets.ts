/** The sockets of one machine: receive buffers, who waits at them, and what a kernel does about them. */
import * as Effect from "effect/Effect"
import type { Address } from "../../protocol/model/Member.ts"
import * as Datagrams from "../../transport/Datagrams.ts"
import type { Agenda } from "./agenda.ts"
import * as Interfaces from "./interfaces.ts"
import type { Datagram, Ledger } from "./ledger.ts"
import type { Machine, Socket } from "./machine.ts"

const maxTroubles = 16

export const open = (machine: Machine, options: Datagrams.Options): Socket => {
  const socket: Socket = {
    machine,
    options,
    ...Interfaces.opened(machine, options),
    buffer: [],
    dropped: 0,
    reader: undefined,
    wakening: false,
    troubles: [],
    troubled: undefined,
    links: undefined,
    state: "open"
  }
  machine.sockets.add(socket)
  for (const { port } of socket.locals) machine.ports.set(port, socket)
  return socket
}

/** The socket that listens at an address of this machine. */
export const listenerAt = ({ ports }: Machine, { ip, port }: Address): Socket | undefined => {
  const socket = ports.get(port)
  return socket !== undefined && hears(socket, ip, port) ? socket : undefined
}

const hears = ({ locals }: Socket, ip: string, port: number): boolean => {
  for (const local of locals) if (local.ip === ip && local.port === port && local.isThere) return true
  return false
}

export const close = (socket: Socket, state: "closed" | "dead"): void => {
  const { machine } = socket
  socket.state = state
  socket.reader = undefined
  socket.troubled = undefined
  socket.buffer = []
  machine.sockets.delete(socket)
  if (state === "dead") socket.links?.died()
  for (const [port, { asker }] of machine.questions) {
    if (asker === socket) machine.questions.delete(port)
  }
  // A dead one's port may be another's by now.
  for (const { port } of socket.locals) if (machine.ports.get(port) === socket) machine.ports.delete(port)
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
  if (isAstray(socket, datagram)) return ledger.dropped(datagram, "nobody", machine.name)
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

/** Whether its address has gone while it was under way. The answer to a question has come to the question's own port. */
const isAstray = (socket: Socket, { to, via }: Datagram): boolean =>
  via === "unicast" && !hears(socket, to.ip, to.port) && !socket.machine.questions.has(to.port)

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

/** The interfaces of a machine are others now. Its endpoints find out later. */
export const changed = (machine: Machine, agenda: Agenda): void => {
  Interfaces.compare(machine)
  lookLater(machine, agenda)
}

/** Its endpoints look at its interfaces before long, unless they are paused or cannot by then. */
export const lookLater = (machine: Machine, agenda: Agenda): void => {
  if (machine.looksLater || Interfaces.areKnown(machine)) return
  machine.looksLater = true
  const after = Math.floor(machine.chance.nextDoubleUnsafe() * Interfaces.looksWithin)
  agenda.at(agenda.now() + after, "sleeper", () => {
    machine.looksLater = false
    if (machine.frozen || machine.failing.scans || machine.failing.sockets) return
    for (const socket of machine.sockets) {
      const where = Interfaces.look(socket)
      if (where === null) continue
      trouble(socket, new Datagrams.DatagramsFailed({ during: "receive", kind: "NetworkChanged", where }))
    }
  })
}

/** Its processes go on: a reader that waits gets what came meanwhile. */
export const thaw = (machine: Machine, agenda: Agenda): void => {
  machine.frozen = false
  lookLater(machine, agenda)
  for (const socket of machine.sockets) {
    wakeReader(socket)
    socket.links?.thawed()
    const failure = socket.troubled === undefined ? undefined : socket.troubles.shift()
    if (failure !== undefined) trouble(socket, failure)
  }
}
