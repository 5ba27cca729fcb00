/**
 * A network in memory, for tests: machines with addresses, clocks and receive buffers, and between them datagrams that
 * are late, lost, doubled or overtaken as you say. It stands in for the real `Datagrams`, in users' own tests too.
 *
 * All chance comes from one generator of the network's own, and all waiting is done on the ambient Effect `Clock`. So
 * under `TestClock` a run is decided by its seed and by what the test does, to the last byte.
 *
 * **What it is not**: no IP fragmentation, no routing tables, no IGMP, no bandwidth. Datagrams of one direction between
 * two machines keep their order unless `reorder` says otherwise; a machine hears its own multicasts at once and always.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Address } from "../protocol/model/Member.ts"
import * as Spelling from "../settings/Spelling.ts"
import * as Agenda from "./internal/agenda.ts"
import * as Carrier from "./internal/carrier.ts"
import * as Hosts from "./internal/hosts.ts"
import * as Ledger from "./internal/ledger.ts"
import * as Links from "./internal/links.ts"
import type * as Machine from "./internal/machine.ts"
import * as Names from "./internal/names.ts"
import type { Host, HostOptions } from "./SimulatedHost.ts"
import type { Conditions, Counters, Record } from "./Traffic.ts"

export type { Failing, Host, HostOptions, Interface, Tcp } from "./SimulatedHost.ts"

/**
 * What a network is made with.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends Partial<Conditions> {
  /** Decides the run. */
  readonly seed: number | string
  /** What the wall clocks of its machines show at the start, in Unix milliseconds; 0 unless set. */
  readonly epoch?: number | undefined
  /** Datagrams that wait in each receive buffer at most; 256 unless set, about what Linux gives to small ones. */
  readonly receiveBuffer?: number | undefined
  /** What a full buffer loses: the one that comes (`newest`, as kernels do; the default) or the one that waits longest. */
  readonly whenFull?: "newest" | "oldest" | undefined
  /** Whether a machine refuses what is asked of a port where nobody listens, as kernels do. On unless set. */
  readonly refusals?: boolean | undefined
  /** How many of the newest records `trace` holds; 0, the default, holds none. */
  readonly traceCapacity?: number | undefined
}

const conditions = { loss: true, delay: true, duplicate: true, reorder: true, reorderBy: true }
const ownNames = { seed: true, epoch: true, receiveBuffer: true, whenFull: true, refusals: true, traceCapacity: true }

/**
 * The names of all that a network is made with.
 *
 * @category models
 * @since 0.1.0
 */
export const optionNames: ReadonlyArray<string> = Object.keys(
  { ...conditions, ...ownNames } satisfies { readonly [K in keyof Options]-?: boolean }
)

/**
 * How names of machines are resolved: to the address that the machine has on the first interface that has one (`works`); not
 * at all, nobody answers (`silent`); as they were when this began (`old`); or only `after` a while.
 *
 * @category models
 * @since 0.1.0
 */
export type Resolver = Names.Resolver

/**
 * Names of machines may stand for machines that do not exist yet. Every change takes effect on what is sent from then
 * on: what is under way arrives.
 *
 * @category models
 * @since 0.1.0
 */
export interface SimulatedNetwork {
  readonly seed: number | string
  /** Adds a machine. A name or an address that is taken is a defect. */
  readonly host: (options: string | HostOptions) => Effect.Effect<Host>
  readonly hosts: Effect.Effect<ReadonlyArray<Host>>
  /** Machines hear only those of their own part. Those not named make up one more part. Replaces the last partition. */
  readonly partition: (parts: ReadonlyArray<ReadonlyArray<string>>) => Effect.Effect<void>
  /** Nothing gets from one to the other any more; the way back is open. */
  readonly cut: (from: string, to: string) => Effect.Effect<void>
  /** Ends the partition and all cuts. */
  readonly heal: Effect.Effect<void>
  readonly setLoss: (loss: number) => Effect.Effect<void>
  readonly setDelay: (delay: Conditions["delay"]) => Effect.Effect<void>
  readonly setDuplicate: (duplicate: number) => Effect.Effect<void>
  readonly setReorder: (reorder: number, by?: Duration.Input) => Effect.Effect<void>
  /** For one direction between two machines, instead of the network's; an empty object gives it back to the network. */
  readonly setLink: (from: string, to: string, conditions: Partial<Conditions>) => Effect.Effect<void>
  /** What a machine loses of multicasts, besides all other loss: a switch that forgot the group. */
  readonly setMulticastLoss: (host: string, loss: number) => Effect.Effect<void>
  /** For all machines, from the next look-up on. */
  readonly setResolver: (how: Resolver) => Effect.Effect<void>
  /** Puts a datagram into a machine's sockets, as if `from` had sent it, at once and without loss: replays, forgeries. */
  readonly inject: (
    to: string,
    from: Address,
    payload: Uint8Array,
    via: "multicast" | "unicast"
  ) => Effect.Effect<void>
  readonly counters: Effect.Effect<Counters>
  /** The newest records, oldest first: as many as `traceCapacity` says. */
  readonly trace: Effect.Effect<ReadonlyArray<Record>>
  /** Calls `listener` with every record, within the step in which it happens: it must neither block nor send. */
  readonly tap: (listener: (record: Record) => void) => Effect.Effect<void, never, Scope.Scope>
  /** Milliseconds of true time since the network was made. */
  readonly now: Effect.Effect<number>
  readonly nowUnsafe: () => number
}

/**
 * A network of no machines. Closing the scope stops it: nothing arrives any more. An option of a name that is none is a
 * defect.
 *
 * Defaults: no loss, 0.1 to 1 ms of delay, no duplicates, no reordering (and where there is, by up to 20 ms).
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): Effect.Effect<SimulatedNetwork, never, Scope.Scope> =>
  Effect.gen(function*() {
    yield* Effect.orDie(Spelling.refuseUnknown(options, optionNames))
    const agenda = yield* Agenda.make
    const links = Links.make(yield* Hosts.chanceOf(options.seed), options)
    const ledger = Ledger.make(agenda.now, options.traceCapacity ?? 0)
    // Of its own: what a group with a key draws does not change what happens to its datagrams.
    const secrets = yield* Hosts.chanceOf(`${options.seed} secrets`)
    const machines: Hosts.Hosts["machines"] = new Map()
    const byIp = new Map<string, Machine.Machine>()
    const { epoch = 0, receiveBuffer: capacity = 256, seed } = options
    const kernel = { agenda, ledger, capacity, dropsOldest: options.whenFull === "oldest" }
    const chance = yield* Hosts.chanceOf(`${options.seed} crash links`)
    const ends = { open: new Map(), lingering: new Map() }
    const network = { machines, byIp, links, kernel, chance, ends, refuses: options.refusals !== false }
    const names = Names.make(() => Array.from(machines.values(), ({ machine }) => machine))
    const hosts = { seed, epoch, agenda, network, secrets, names, machines, byIp, multicastLoss: new Map() }
    return { seed, ...machineVerbs(hosts), ...linkVerbs(links), ...traffic(hosts, ledger) }
  })

// internal

const machineVerbs = (
  hosts: Hosts.Hosts
): Pick<SimulatedNetwork, "host" | "hosts" | "setMulticastLoss" | "setResolver"> => ({
  host: (options) => Hosts.add(hosts, options),
  hosts: Effect.sync(() => Array.from(hosts.machines.values(), ({ host }) => host)),
  setMulticastLoss: (name, loss) =>
    Effect.sync(() => {
      hosts.multicastLoss.set(name, loss)
      const known = hosts.machines.get(name)
      if (known !== undefined) known.machine.multicastLoss = loss
    }),
  setResolver: (how) => Effect.sync(() => hosts.names.set(how))
})

const linkVerbs = (
  links: Links.Links
): Pick<
  SimulatedNetwork,
  "partition" | "cut" | "heal" | "setLoss" | "setDelay" | "setDuplicate" | "setReorder" | "setLink"
> => {
  const set = (conditions: Partial<Conditions>) => Effect.sync(() => links.set(conditions))
  return {
    partition: (parts) => Effect.sync(() => links.partition(parts)),
    cut: (from, to) => Effect.sync(() => links.cut(from, to)),
    heal: Effect.sync(links.heal),
    setLoss: (loss) => set({ loss }),
    setDelay: (delay) => set({ delay }),
    setDuplicate: (duplicate) => set({ duplicate }),
    setReorder: (reorder, by) => set(by === undefined ? { reorder } : { reorder, reorderBy: by }),
    setLink: (from, to, conditions) => Effect.sync(() => links.setLink(from, to, conditions))
  }
}

const traffic = (
  { agenda, machines, network }: Hosts.Hosts,
  ledger: Ledger.Ledger
): Pick<SimulatedNetwork, "inject" | "counters" | "trace" | "tap" | "now" | "nowUnsafe"> => ({
  inject: (to, from, payload, via) =>
    Effect.suspend(() => {
      const known = machines.get(to)
      if (known === undefined) return Effect.die(new Error(`no machine is called ${to}`))
      for (const socket of known.machine.sockets) {
        const { locals: [local], options } = socket
        const datagram: Ledger.Datagram = {
          sender: to,
          from,
          to: via === "unicast" ? local as Address : Carrier.groupAddress(options),
          via,
          payload: payload.slice()
        }
        // From itself, so that nothing happens to it.
        Carrier.carryTo(network, datagram, socket)
      }
      return Effect.void
    }),
  counters: Effect.sync(ledger.counters),
  trace: Effect.sync(ledger.trace),
  tap: (listener) =>
    Effect.asVoid(Effect.acquireRelease(
      Effect.sync(() => ledger.listeners.add(listener)),
      () => Effect.sync(() => ledger.listeners.delete(listener))
    )),
  now: Effect.sync(agenda.now),
  nowUnsafe: agenda.now
})
