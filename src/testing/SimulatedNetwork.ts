/**
 * A network in memory, for tests: machines with addresses, clocks and receive buffers, and between them datagrams that
 * are late, lost, doubled or overtaken as you say. The twin of the real `Datagrams`, for users' own tests too.
 *
 * All chance comes from one generator of the network's own, and all waiting is done on the ambient Effect `Clock`. So
 * under `TestClock` a run is decided by its seed and by what the test does, to the last byte.
 *
 * **What it is not**: no IP fragmentation, no routing tables, no IGMP, no bandwidth. Datagrams of one direction between
 * two machines keep their order unless `reorder` says otherwise; a machine hears its own multicasts at once and always.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type { Address } from "../protocol/model/Member.ts"
import { formatAddress } from "../protocol/model/Member.ts"
import * as Spelling from "../settings/Spelling.ts"
import * as Datagrams from "../transport/Datagrams.ts"
import * as SinceBoot from "../transport/SinceBoot.ts"
import * as Agenda from "./internal/agenda.ts"
import * as Carrier from "./internal/carrier.ts"
import * as Interfaces from "./internal/interfaces.ts"
import * as Ledger from "./internal/ledger.ts"
import * as Links from "./internal/links.ts"
import type * as Machine from "./internal/machine.ts"
import * as Names from "./internal/names.ts"
import * as Sockets from "./internal/sockets.ts"
import * as SimulatedClock from "./SimulatedClock.ts"
import type { Conditions, Counters, Record } from "./Traffic.ts"

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

const hostNames = Object.keys(
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
 * How names of machines are resolved: to the address that the machine has on the first interface that has one (`works`); not
 * at all, nobody answers (`silent`); as they were when this began (`old`); or only `after` a while.
 *
 * @category models
 * @since 0.1.0
 */
export type Resolver = Names.Resolver

/**
 * A machine: interfaces with addresses, a clock, and the sockets that were opened on it.
 *
 * Its endpoints look at its interfaces now and then, as real ones do: they use one that has come, or an address that has
 * changed, within two seconds, and tell it by `troubles`. Until then they go on with what they knew: what they send from an
 * address that is gone fails with `AddressNotAvailable`, and what is sent to it finds nobody, or whoever has it now.
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
  /** The lid is closed: as `pause`, and the monotonic clock stands still, and datagrams find nobody. */
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
    const links = Links.make(yield* chanceOf(options.seed), options)
    const ledger = Ledger.make(agenda.now, options.traceCapacity ?? 0)
    // Of its own: what a group with a key draws does not change what befalls its datagrams.
    const secrets = yield* chanceOf(`${options.seed} secrets`)
    return build({ options, agenda, links, ledger, secrets })
  })

// internal

const chanceOf = (seed: number | string) => Random.withSeed(Effect.service(Random.Random), seed)

const build = ({ agenda, ledger, links, options, secrets }: {
  readonly options: Options
  readonly agenda: Agenda.Agenda
  readonly links: Links.Links
  readonly ledger: Ledger.Ledger
  readonly secrets: Random.Random
}): SimulatedNetwork => {
  const machines = new Map<string, { readonly machine: Machine.Machine; readonly host: Host }>()
  const byIp = new Map<string, Machine.Machine>()
  const multicastLoss = new Map<string, number>()
  const kernel = {
    agenda,
    ledger,
    capacity: options.receiveBuffer ?? 256,
    dropsOldest: options.whenFull === "oldest"
  }

  const carrier = Carrier.make({ machines, byIp, links, kernel, refuses: options.refusals !== false })

  // --- Machines ---

  const names = Names.make(() => [...machines.values()].map(({ machine }) => machine))

  const ipOf = ({ interfaces }: Machine.Machine): string =>
    (interfaces.find(({ ip }) => ip !== null) ?? interfaces[0])?.ip ?? "no address"

  /** Gives an interface another address, or takes it away. */
  const setIp = (machine: Machine.Machine, one: Machine.Interface, ip: string | null) => {
    if (ip !== null && byIp.has(ip) && ip !== one.ip) {
      return Effect.die(new Error(`a machine with the address ${ip} exists already`))
    }
    return Effect.sync(() => {
      if (one.ip !== null) byIp.delete(one.ip)
      Interfaces.assign(one, ip)
      if (ip !== null) byIp.set(ip, machine)
      Sockets.changed(machine, agenda)
    })
  }
  const interfaceOf = (machine: Machine.Machine, name?: string) =>
    Effect.suspend(() => {
      const found = name === undefined ? machine.interfaces[0] : machine.interfaces.find((one) => one.name === name)
      return found === undefined
        ? Effect.die(new Error(`${machine.name} has no interface ${name ?? ""}`))
        : Effect.succeed(found)
    })

  const openOn = (machine: Machine.Machine) => (options: Datagrams.Options) =>
    Effect.acquireRelease(
      Effect.suspend(() => {
        const fail = (kind: Datagrams.DatagramsFailed["kind"], where: string) =>
          Effect.fail(new Datagrams.DatagramsFailed({ during: "open", kind, where }))
        const unknown = Interfaces.unknown(machine, options.interfaces)
        if (unknown !== undefined) return fail("NoSuchInterface", unknown)
        const { unicastPort: port } = options
        if (machine.down) return fail("Unreachable", ipOf(machine))
        if (port !== 0 && machine.ports.has(port)) {
          return fail("AddressInUse", formatAddress({ ip: ipOf(machine), port }))
        }
        return Effect.succeed(Sockets.open(machine, options))
      }),
      (socket) => Effect.sync(() => Sockets.close(socket, "closed"))
    ).pipe(Effect.map((socket): Datagrams.Endpoint => ({
      hostname: machine.name,
      get local() {
        const [first, ...others] = socket.locals.map(({ interface: name, ip, port }) => ({ ip, port, interface: name }))
        return [first as Datagrams.LocalAddress, ...others] as const
      },
      receive: Sockets.receive(socket),
      multicast: (payload) => carrier.send(socket, Carrier.groupAddress(options), payload, "multicast"),
      unicast: (to, payload) => carrier.send(socket, to, payload, "unicast"),
      ask: (to, payload) => carrier.ask(socket, to, payload),
      random: (bytes) => Uint8Array.from({ length: bytes }, () => Math.floor(secrets.nextDoubleUnsafe() * 256)),
      hasAddress: () => socket.locals.some(({ interface: name }) => name !== Interfaces.loopback),
      portTowards: (ip) => Interfaces.towards(socket, ip).port,
      isExposed: () => false,
      isDirect: (ip) => Interfaces.isDirect(socket, ip),
      // A name is that of a machine, as far as it is there by then.
      resolve: names.resolve,
      troubles: Sockets.troubles(socket),
      dropped: Effect.sync(() => socket.dropped)
    })))

  const thaw = (
    machine: Machine.Machine,
    clock: Effect.Effect<void>,
    first: "datagrams" | "sleepers" = "datagrams"
  ) => {
    const read = Effect.sync(() => Sockets.thaw(machine, agenda))
    const [before, after] = first === "datagrams" ? [read, clock] : [clock, read]
    // A microsecond apart: what was woken first has gone to sleep again when the others wake.
    const later = Effect.sync(() => {
      const going = { clock: first === "datagrams" ? clock : Effect.void }
      machine.going = going
      agenda.at(agenda.now() + 0.001, "sleeper", () => {
        // It may have been stopped again by then.
        if (machine.going !== going) return
        machine.going = undefined
        Effect.runSync(after)
      })
    })
    return Effect.andThen(takeOver(machine), Effect.andThen(before, later))
  }

  /** What was about to go on does not: its clock is as if it had, for whatever comes next. */
  const takeOver = (machine: Machine.Machine) =>
    Effect.suspend(() => {
      const { going } = machine
      machine.going = undefined
      return going === undefined ? Effect.void : going.clock
    })

  const addHost = Effect.fnUntraced(function*(given: string | HostOptions) {
    const wanted: HostOptions = typeof given === "string" ? { name: given } : given
    yield* Effect.orDie(Spelling.refuseUnknown(wanted, hostNames))
    let number = machines.size + 1
    while (wanted.ip === undefined && byIp.has(`10.0.0.${number}`)) number++
    const ip = wanted.ip === undefined ? `10.0.0.${number}` : wanted.ip
    if (machines.has(wanted.name) || (ip !== null && byIp.has(ip))) {
      return yield* Effect.die(new Error(`a machine with the name ${wanted.name} or the address ${ip} exists already`))
    }
    const machine: Machine.Machine = {
      name: wanted.name,
      interfaces: [Interfaces.make("sim0", ip)],
      sockets: new Set(),
      ports: new Map(),
      questions: new Map(),
      // Of its own, so that what opens sockets does not disturb what befalls datagrams.
      chance: yield* chanceOf(`${options.seed} ports of ${wanted.name}`),
      frozen: false,
      going: undefined,
      suspended: false,
      down: false,
      overflowUntil: -1,
      multicastLoss: multicastLoss.get(wanted.name) ?? 0,
      failing: { scans: false, sockets: false, sends: false },
      looksLater: false
    }
    const clock = SimulatedClock.makeUnsafe(agenda, options.epoch ?? 0, wanted)
    const datagrams = Datagrams.Datagrams.of({ open: openOn(machine) })
    const set = (state: Partial<Pick<Machine.Machine, "suspended" | "down">>) =>
      Effect.sync(() => void Object.assign(machine, state))
    // Nothing runs between the two changes of its clock.
    const freeze = Effect.andThen(
      takeOver(machine),
      Effect.sync(() => {
        machine.frozen = true
      })
    )
    const each = (f: (socket: Machine.Socket) => void) => Effect.sync(() => machine.sockets.forEach(f))
    const host: Host = {
      name: machine.name,
      get ip() {
        return ipOf(machine)
      },
      interfaces: Effect.sync(() => machine.interfaces.map(({ ip, name }) => ({ name, ip }))),
      setAddress: (ip, name) => Effect.flatMap(interfaceOf(machine, name), (one) => setIp(machine, one, ip)),
      addInterface: (name, ip) =>
        Effect.suspend(() => {
          if (name === Interfaces.loopback || machine.interfaces.some((one) => one.name === name)) {
            return Effect.die(new Error(`${machine.name} has an interface ${name} already`))
          }
          const one = Interfaces.make(name, null)
          machine.interfaces.push(one)
          return setIp(machine, one, ip)
        }),
      removeInterface: (name) =>
        Effect.flatMap(interfaceOf(machine, name), (one) => {
          machine.interfaces.splice(machine.interfaces.indexOf(one), 1)
          return setIp(machine, one, null)
        }),
      isCurrent: Effect.sync(() => Interfaces.areKnown(machine)),
      isCurrentUnsafe: () => Interfaces.areKnown(machine),
      setFailing: (what, failing) =>
        Effect.sync(() => {
          machine.failing[what] = failing
          Sockets.lookLater(machine, agenda)
        }),
      clock,
      datagrams,
      layerDatagrams: Layer.succeed(Datagrams.Datagrams, datagrams),
      layer: Layer.succeedContext(
        Context.make(Datagrams.Datagrams, datagrams).pipe(
          Context.add(Clock.Clock, clock),
          Context.add(SinceBoot.SinceBoot, () => ({ sinceBoot: clock.sinceBoot(), doubted: 0 }))
        )
      ),
      pause: Effect.andThen(freeze, clock.pause),
      resume: (first) => thaw(machine, clock.resume, first),
      suspend: Effect.andThen(set({ suspended: true }), Effect.andThen(freeze, clock.suspend)),
      wake: (first) => Effect.andThen(set({ suspended: false }), thaw(machine, clock.wake, first)),
      disconnect: set({ down: true }),
      connect: set({ down: false }),
      killEndpoints: each((socket) => Sockets.close(socket, "dead")),
      trouble: (failure) => each((socket) => Sockets.trouble(socket, failure)),
      overflow: (duration) =>
        Effect.sync(() => {
          machine.overflowUntil = agenda.now() + Duration.toMillis(duration)
        }),
      waiting: Effect.sync(() => [...machine.sockets].reduce((sum, { buffer }) => sum + buffer.length, 0)),
      listening: Effect.sync(() =>
        [...machine.sockets].flatMap(({ locals }) =>
          locals.flatMap(({ interface: name, ip, isThere, port }) =>
            isThere && name !== Interfaces.loopback ? [{ ip, port }] : []
          )
        )
      ),
      endpoints: Effect.sync(() => machine.sockets.size)
    }
    machines.set(machine.name, { machine, host })
    if (ip !== null) byIp.set(ip, machine)
    return host
  })

  const inject: SimulatedNetwork["inject"] = (to, from, payload, via) =>
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
        // From itself, so that nothing befalls it.
        carrier.carryTo(datagram, socket)
      }
      return Effect.void
    })

  const set = (conditions: Partial<Conditions>) => Effect.sync(() => links.set(conditions))

  return {
    seed: options.seed,
    host: addHost,
    hosts: Effect.sync(() => Array.from(machines.values(), ({ host }) => host)),
    partition: (parts) => Effect.sync(() => links.partition(parts)),
    cut: (from, to) => Effect.sync(() => links.cut(from, to)),
    heal: Effect.sync(links.heal),
    setLoss: (loss) => set({ loss }),
    setDelay: (delay) => set({ delay }),
    setDuplicate: (duplicate) => set({ duplicate }),
    setReorder: (reorder, by) => set(by === undefined ? { reorder } : { reorder, reorderBy: by }),
    setLink: (from, to, conditions) => Effect.sync(() => links.setLink(from, to, conditions)),
    setMulticastLoss: (name, loss) =>
      Effect.sync(() => {
        multicastLoss.set(name, loss)
        const known = machines.get(name)
        if (known !== undefined) known.machine.multicastLoss = loss
      }),
    setResolver: (how) => Effect.sync(() => names.set(how)),
    inject,
    counters: Effect.sync(ledger.counters),
    trace: Effect.sync(ledger.trace),
    tap: (listener) =>
      Effect.asVoid(Effect.acquireRelease(
        Effect.sync(() => ledger.listeners.add(listener)),
        () => Effect.sync(() => ledger.listeners.delete(listener))
      )),
    now: Effect.sync(agenda.now),
    nowUnsafe: agenda.now
  }
}
