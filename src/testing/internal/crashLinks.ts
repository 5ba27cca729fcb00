/**
 * Crash links between the processes of a simulated network: connections that are up until one of their ends dies, and what each
 * end hears of that.
 *
 * Nothing is sent over them, so what cuts two machines off breaks no link: a process that dies meanwhile is not heard of. Their
 * chance is one of their own, so that datagrams have the same fate with links and without.
 */
import * as Effect from "effect/Effect"
import type * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type { Address, NodeId } from "../../protocol/model/Member.ts"
import type { LinkPeer } from "../../protocol/model/Output.ts"
import type * as CrashLinks from "../../transport/CrashLinks.ts"
import * as Carrier from "./carrier.ts"
import * as Interfaces from "./interfaces.ts"
import type { Machine, Socket } from "./machine.ts"

/** What links go by: machines, what lies between them, whether they refuse, and chance. */
export interface Network extends Carrier.Network {
  readonly refuses: boolean
  readonly chance: Random.Random
  readonly ends: Ends
}

/** By machine and port: the links of its processes, and until when ports that were some until lately still accept. */
export interface Ends {
  readonly open: Map<string, End>
  readonly lingering: Map<string, number>
}

/** The links of one process. */
interface End {
  readonly network: Network
  readonly socket: Socket
  readonly options: CrashLinks.Options
  readonly port: number
  readonly links: Map<NodeId, Link>
  readonly happened: Array<CrashLinks.Happening>
  reader: ((batch: ReadonlyArray<CrashLinks.Happening>) => void) | undefined
  /** What happened to it while its process was paused. */
  readonly pending: Array<() => void>
  isOpen: boolean
}

/** One link as one end sees it. `other` may be dead, or hold another link by now. */
interface Link {
  readonly other: End
  readonly peer: LinkPeer
  readonly isOurs: boolean
}

/** For so many ms an end tries again to connect, once in each of them. */
const triesFor = 25

/** A process that was just killed may still accept for so many ms at the most. */
const lingersFor = 3

/** Opens the links of the process that has a socket. */
export const open =
  (network: Network, socket: Socket) =>
  (options: CrashLinks.Options): Effect.Effect<CrashLinks.CrashLinks, never, Scope.Scope> =>
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => start(network, socket, options)),
        (end) => Effect.sync(() => stop(end, "closed"))
      ),
      (end) => ({
        port: end.port,
        keep: (peers) => keep(end, peers),
        tryOut: (peer) => tryFor(end, peer, 0),
        goodbye: () => [...end.links.values()].forEach((link) => close(end, link)),
        happened: happened(end)
      })
    )

/** What happens to TCP connections to a machine from now on. A firewall that rejects them breaks those that are up. */
export const setTcp = ({ ends }: Network, machine: Machine, tcp: Machine["tcp"]): void => {
  machine.tcp = tcp
  if (tcp !== "rejected") return
  for (const end of ends.open.values()) {
    if (end.socket.machine !== machine) continue
    for (const { other } of end.links.values()) breakLater(end, other)
  }
}

const keyOf = ({ name }: Machine, port: number): string => `${name} ${port}`

// internal

const start = (network: Network, socket: Socket, options: CrashLinks.Options): End => {
  const { machine } = socket
  const { lingering, open } = network.ends
  let port = 40_000
  while (open.has(keyOf(machine, port)) || lingering.has(keyOf(machine, port))) port += 1
  const end: End = {
    network,
    socket,
    options,
    port,
    links: new Map(),
    happened: [],
    reader: undefined,
    pending: [],
    isOpen: true
  }
  open.set(keyOf(machine, port), end)
  socket.links = {
    died: () => stop(end, "dead"),
    thawed: () => {
      for (const run of end.pending.splice(0)) run()
      wake(end)
    }
  }
  return end
}

const stop = (end: End, how: "closed" | "dead"): void => {
  if (!end.isOpen) return
  const { network: { chance, ends, kernel: { agenda } }, port, socket: { machine } } = end
  if (how === "closed") { for (const link of end.links.values()) close(end, link) }
  end.isOpen = false
  end.reader = undefined
  ends.open.delete(keyOf(machine, port))
  // Its port is not given to another: who still believes in it must find nobody.
  ends.lingering.set(keyOf(machine, port), agenda.now() + lingersFor * chance.nextDoubleUnsafe())
  for (const { other } of end.links.values()) breakLater(end, other)
}

const happened = (end: End): CrashLinks.CrashLinks["happened"] =>
  Effect.callback((resume) => {
    end.reader = (batch) => resume(Effect.succeed(batch))
    wake(end)
  })

const wake = (end: End): void => {
  const { reader, socket } = end
  if (reader === undefined || socket.machine.frozen || end.happened.length === 0) return
  end.reader = undefined
  reader(end.happened.splice(0))
}

const tell = (end: End, happening: CrashLinks.Happening): void => {
  end.happened.push(happening)
  wake(end)
}

/** In its process: now, or when it goes on; never where that is over. */
const within = (end: End, run: () => void): void => {
  if (!end.isOpen) return
  if (end.socket.machine.frozen) end.pending.push(run)
  else run()
}

const delay = ({ chance, links }: Network, from: Machine, to: Machine): number => {
  if (from === to) return 0
  const { delayMax, delayMin } = links.between(from.name, to.name).weather
  return Math.round(1_000 * (delayMin + chance.nextDoubleUnsafe() * (delayMax - delayMin))) / 1_000
}

const later = ({ kernel: { agenda } }: Network, millis: number, run: () => void): void =>
  void agenda.at(agenda.now() + millis, "arrival", run)

/** Whether anything gets from one machine to the other and back. */
const isReached = ({ chance, links }: Network, from: Machine, to: Machine): boolean => {
  if (from.down || from.suspended || to.down || to.suspended) return false
  if (from === to) return true
  return [[from.name, to.name], [to.name, from.name]].every(([one = "", other = ""]) => {
    const { loss } = links.between(one, other).weather
    return !links.isCut(one, other) && (loss === 0 || chance.nextDoubleUnsafe() >= loss)
  })
}

// --- Connecting ---

/** Who answers a connection: the links of a process, or another program (null). */
type Answer = "refused" | "silent" | { readonly by: End | null }

const answerAt = (end: End, to: Address): Answer => {
  const { network, socket } = end
  const machine = Carrier.machineAt(network, to.ip, socket.machine.name)
  const local = Interfaces.towards(socket, to.ip)
  if (machine === undefined || !local.isThere || !isReached(network, socket.machine, machine)) return "silent"
  if (machine !== socket.machine && machine.tcp === "dropped") return "silent"
  if (machine !== socket.machine && machine.tcp === "rejected") return "refused"
  const { lingering, open } = network.ends
  const by = open.get(keyOf(machine, to.port))
  if (by !== undefined) return { by }
  const accepts = lingering.get(keyOf(machine, to.port)) ?? 0
  const isTaken = machine.tcp === "taken" || accepts > network.kernel.agenda.now()
  return isTaken ? { by: null } : network.refuses ? "refused" : "silent"
}

/** Connects, and says what came of it when that is known. */
const dial = (end: End, { address }: LinkPeer, done: (answer: Answer) => void): void => {
  const { network, socket: { machine } } = end
  const to = Carrier.machineAt(network, address.ip, machine.name) ?? machine
  later(network, delay(network, machine, to), () => {
    const answer = answerAt(end, address)
    later(network, answer === "silent" ? triesFor : delay(network, to, machine), () => within(end, () => done(answer)))
  })
}

/** Whether both ends say and prove what the other wants to hear. */
const agree = (end: End, other: End, { id, incarnation }: LinkPeer): boolean => {
  const { options: { self } } = other
  const { ip } = Interfaces.towards(end.socket, Interfaces.towards(other.socket, "").ip)
  return other.isOpen && !other.socket.machine.frozen && self.id === id && self.incarnation() === incarnation
    && other.options.tag.join() === end.options.tag.join() && other.options !== end.options
    && other.options.accepts(ip, end.options.self.id, end.options.self.incarnation()) && prove(end, other)
}

const prove = (end: End, other: End): boolean => {
  const [ours, theirs] = [end, other].map(({ options }) => options.proofs(challenge).map((proof) => proof.join()))
  const [own] = ours!
  const [their] = theirs!
  return own === their || (own !== undefined && their !== undefined && theirs!.includes(own) && ours!.includes(their))
}

const challenge = Uint8Array.of(1, 2, 3)

const connect = (end: End, other: End, peer: LinkPeer): void => {
  const { incarnation } = peer
  end.links.set(peer.id, { other, peer, isOurs: true })
  tell(end, { _tag: "LinkUp", id: peer.id, incarnation })
  const { self } = end.options
  const address = { ip: Interfaces.towards(end.socket, peer.address.ip).ip, port: end.port }
  const back = { id: self.id, incarnation: self.incarnation(), address }
  other.links.set(self.id, { other: end, peer: back, isOurs: false })
  tell(other, { _tag: "LinkUp", id: self.id, incarnation: back.incarnation })
}

const keep = (end: End, peers: ReadonlyArray<LinkPeer>): void => {
  const isWanted = ({ address, id, incarnation }: LinkPeer): boolean =>
    peers.some((peer) => peer.id === id && peer.incarnation === incarnation && peer.address.ip === address.ip)
  for (const link of end.links.values()) if (link.isOurs && !isWanted(link.peer)) close(end, link)
  for (const peer of peers) {
    if (end.links.get(peer.id)?.peer.incarnation === peer.incarnation) continue
    dial(end, peer, (answer) => {
      const isUp = end.links.get(peer.id)?.peer.incarnation === peer.incarnation
      if (typeof answer === "object" && answer.by !== null && !isUp && agree(end, answer.by, peer)) {
        connect(end, answer.by, peer)
      }
    })
  }
}

// --- What ends them ---

/** With a goodbye, which may get lost. */
const close = (end: End, link: Link): void => {
  const { network, options: { self }, socket: { machine } } = end
  leave(end, link)
  const { other } = link
  later(network, delay(network, machine, other.socket.machine), () => {
    const back = other.links.get(self.id)
    if (back?.other === end && isReached(network, machine, other.socket.machine)) {
      within(other, () => leave(other, back))
    }
  })
}

const leave = (end: End, link: Link): void => {
  const { id, incarnation } = link.peer
  if (end.links.get(id) !== link) return
  end.links.delete(id)
  tell(end, { _tag: "LinkLeft", id, incarnation })
}

/** One end is gone: the other hears of it, unless nothing gets there. */
const breakLater = (end: End, other: End): void => {
  const { network, options: { self }, socket: { machine } } = end
  later(network, delay(network, machine, other.socket.machine), () => {
    const link = other.links.get(self.id)
    if (link?.other !== end || !isReached(network, machine, other.socket.machine)) return
    within(other, () => {
      if (other.links.get(self.id) !== link) return
      other.links.delete(self.id)
      const { id, incarnation } = link.peer
      tell(other, { _tag: "LinkBroke", id, incarnation })
      tryFor(other, link.peer, triesFor)
    })
  })
}

/** Tries again for so many ms, until it is refused or that very start answers. */
const tryFor = (end: End, peer: LinkPeer, millis: number): void => {
  const { id, incarnation } = peer
  const tried = (outcome: "Refused" | "Inconclusive") => tell(end, { _tag: "LinkTried", id, incarnation, outcome })
  dial(end, peer, (answer) => {
    if (answer === "refused") return tried("Refused")
    if (answer === "silent") return tried("Inconclusive")
    if (answer.by !== null && millis > 0 && agree(end, answer.by, peer)) {
      connect(end, answer.by, peer)
      return tried("Inconclusive")
    }
    if (millis <= 0) return tried("Inconclusive")
    later(end.network, 1, () => within(end, () => tryFor(end, peer, millis - 1)))
  })
}
