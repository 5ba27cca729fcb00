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
import type { Address } from "../protocol/Member.ts"
import { formatAddress } from "../protocol/Member.ts"
import * as Datagrams from "../transport/Datagrams.ts"
import * as SinceBoot from "../transport/SinceBoot.ts"
import * as Agenda from "./internal/agenda.ts"
import * as Ledger from "./internal/ledger.ts"
import * as Links from "./internal/links.ts"
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

/**
 * What a machine is added with.
 *
 * @category models
 * @since 0.1.0
 */
export interface HostOptions extends SimulatedClock.Options {
  readonly name: string
  /** 10.0.0.1 for the first, and so on, unless set. Machines are on one network if all but the last part is equal. */
  readonly ip?: string | undefined
}

/**
 * A machine: an address, a clock, and the sockets that were opened on it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Host {
  readonly name: string
  readonly ip: string
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
 * A network of no machines. Closing the scope stops it: nothing arrives any more.
 *
 * Defaults: no loss, 0.1 to 1 ms of delay, no duplicates, no reordering (and where there is, by up to 20 ms).
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): Effect.Effect<SimulatedNetwork, never, Scope.Scope> =>
  Effect.gen(function*() {
    const agenda = yield* Agenda.make
    const links = Links.make(yield* chanceOf(options.seed), options)
    const ledger = Ledger.make(agenda.now, options.traceCapacity ?? 0)
    // Of its own: what a group with a key draws does not change what befalls its datagrams.
    const secrets = yield* chanceOf(`${options.seed} secrets`)
    return build({ options, agenda, links, ledger, secrets })
  })

// internal

/** The greatest payload that IPv4 and UDP can carry. */
const maxPayload = 65_507
/** For how many milliseconds `ask` stays. */
const patience = 50
const interfaceName = "sim0"

const chanceOf = (seed: number | string) => Random.withSeed(Effect.service(Random.Random), seed)

const subnetOf = (ip: string): string => ip.slice(0, Math.max(ip.lastIndexOf("."), ip.lastIndexOf(":")))

const build = ({ agenda, ledger, links, options, secrets }: {
  readonly options: Options
  readonly agenda: Agenda.Agenda
  readonly links: Links.Links
  readonly ledger: Ledger.Ledger
  readonly secrets: Random.Random
}): SimulatedNetwork => {
  const machines = new Map<string, { readonly machine: Sockets.Machine; readonly host: Host }>()
  const byIp = new Map<string, Sockets.Machine>()
  const multicastLoss = new Map<string, number>()
  const kernel = {
    agenda,
    ledger,
    capacity: options.receiveBuffer ?? 256,
    dropsOldest: options.whenFull === "oldest"
  }

  // --- Under way ---

  const carry = (datagram: Ledger.Datagram, { multicastLoss, name }: Sockets.Machine, arrive: () => void) => {
    const { sender, via } = datagram
    const arriveAt = (due: number) => agenda.at(due, "arrival", arrive)
    ledger.addressed()
    if (name === sender) return void arriveAt(agenda.now())
    if (links.isCut(sender, name)) return ledger.dropped(datagram, "cut", name)
    if (via === "multicast" && links.happens(multicastLoss)) return ledger.dropped(datagram, "multicastLoss", name)
    const link = links.between(sender, name)
    if (links.happens(link.weather.loss)) return ledger.dropped(datagram, "loss", name)
    arriveAt(links.drawArrival(link, agenda.now()))
    if (links.happens(link.weather.duplicate)) {
      ledger.duplicated()
      arriveAt(links.drawArrival(link, agenda.now()))
    }
  }

  const carryTo = (datagram: Ledger.Datagram, socket: Sockets.Socket) =>
    carry(datagram, socket.machine, () => Sockets.arrive(socket, datagram, kernel))

  const multicast = (datagram: Ledger.Datagram, from: Sockets.Machine, group: Datagrams.Options) => {
    for (const { machine } of machines.values()) {
      const isNear = machine === from || group.ttl >= (machine.subnet === from.subnet ? 1 : 2)
      for (const socket of machine.sockets) {
        const { multicast, multicastAddress, port } = socket.options
        if (multicast === false) continue
        if (port !== group.port || multicastAddress !== group.multicastAddress) continue
        if (isNear) {
          carryTo(datagram, socket)
        } else {
          ledger.addressed()
          ledger.dropped(datagram, "ttl", machine.name)
        }
      }
    }
  }

  const unicast = (datagram: Ledger.Datagram) => {
    const machine = byIp.get(datagram.to.ip)
    const socket = machine?.ports.get(datagram.to.port)
    if (socket !== undefined) return carryTo(datagram, socket)
    if (machine?.questions.has(datagram.to.port) === true) {
      return carry(datagram, machine, () => Sockets.answer(machine, datagram, kernel))
    }
    ledger.addressed()
    ledger.dropped(datagram, "nobody", machine?.name)
  }

  const send = (
    socket: Sockets.Socket,
    to: Address,
    payload: Uint8Array,
    via: "multicast" | "unicast",
    from: Address = socket.address
  ): Effect.Effect<void, Datagrams.DatagramsFailed> =>
    Effect.suspend(() => {
      const { machine, options, state } = socket
      if (state === "dead") return Effect.void
      const kind = state === "closed"
        ? "Closed"
        : payload.length > maxPayload
        ? "TooLarge"
        : machine.down
        ? "Unreachable"
        : undefined
      if (kind !== undefined) {
        return Effect.fail(new Datagrams.DatagramsFailed({ during: "send", kind, where: formatAddress(to) }))
      }
      // A copy, as the system takes one: the sender may use its buffer again.
      const datagram: Ledger.Datagram = { sender: machine.name, from, to, via, payload: payload.slice() }
      ledger.sent(datagram)
      if (via === "multicast") multicast(datagram, machine, options)
      else unicast(datagram)
      return Effect.void
    })

  /** In how many milliseconds a sender hears that it is refused; undefined where it never does. */
  const drawRefusal = (from: Sockets.Machine, to: Address): number | undefined => {
    const machine = byIp.get(to.ip)
    if (options.refusals === false || machine === undefined || machine.down || machine.suspended) return undefined
    if (machine.ports.has(to.port)) return undefined
    if (machine === from) return 0
    if (links.isCut(from.name, machine.name) || links.isCut(machine.name, from.name)) return undefined
    const there = links.between(from.name, machine.name)
    const back = links.between(machine.name, from.name)
    if (links.happens(there.weather.loss) || links.happens(back.weather.loss)) return undefined
    return links.drawDelay(there) + links.drawDelay(back)
  }

  const ask = (socket: Sockets.Socket, to: Address, payload: Uint8Array) =>
    Effect.suspend(() => {
      const { machine } = socket
      const port = Sockets.drawPort(machine)
      const refusal = socket.state === "open" ? drawRefusal(machine, to) : undefined
      const isRefused = refusal !== undefined && refusal <= patience
      const close = Effect.sync(() => machine.questions.delete(port))
      const answered = Effect.callback<"sent">((resume) => {
        machine.questions.set(port, { asker: socket, peer: to, answered: () => resume(Effect.succeed("sent")) })
        return close
      })
      const patient = Effect.as(
        Effect.sleep(isRefused ? refusal : patience),
        isRefused ? "refused" as const : "sent" as const
      )
      return send(socket, to, payload, "unicast", { ip: machine.ip, port }).pipe(
        Effect.andThen(Effect.raceFirst(answered, patient))
      )
    })

  // --- Machines ---

  const openOn = (machine: Sockets.Machine) => (options: Datagrams.Options) =>
    Effect.acquireRelease(
      Effect.suspend(() => {
        const fail = (kind: Datagrams.DatagramsFailed["kind"], where: string) =>
          Effect.fail(new Datagrams.DatagramsFailed({ during: "open", kind, where }))
        const unknown = options.interfaces.find((name) => name !== interfaceName && name !== machine.ip)
        if (unknown !== undefined) return fail("NoSuchInterface", unknown)
        if (machine.down) return fail("Unreachable", machine.ip)
        const port = options.unicastPort === 0 ? Sockets.drawPort(machine) : options.unicastPort
        if (machine.ports.has(port)) return fail("AddressInUse", formatAddress({ ip: machine.ip, port }))
        return Effect.succeed(Sockets.open(machine, options, port))
      }),
      (socket) => Effect.sync(() => Sockets.close(socket, "closed"))
    ).pipe(Effect.map((socket): Datagrams.Endpoint => ({
      hostname: machine.name,
      local: [{ ...socket.address, interface: interfaceName }],
      receive: Sockets.receive(socket),
      multicast: (payload) => send(socket, { ip: options.multicastAddress, port: options.port }, payload, "multicast"),
      unicast: (to, payload) => send(socket, to, payload, "unicast"),
      ask: (to, payload) => ask(socket, to, payload),
      random: (bytes) => Uint8Array.from({ length: bytes }, () => Math.floor(secrets.nextDoubleUnsafe() * 256)),
      isExposed: () => false,
      isDirect: (ip) => subnetOf(ip) === machine.subnet,
      // A name is that of a machine, as far as it is there by then.
      resolve: (host) =>
        Effect.suspend(() => {
          const ip = machines.get(host)?.machine.ip ?? (/^[\d.]+$|:/.test(host) ? host : undefined)
          return ip === undefined
            ? Effect.fail(new Datagrams.DatagramsFailed({ during: "send", kind: "NoSuchName", where: host }))
            : Effect.succeed([ip])
        }),
      troubles: Sockets.troubles(socket),
      dropped: Effect.sync(() => socket.dropped)
    })))

  const thaw = (
    machine: Sockets.Machine,
    clock: Effect.Effect<void>,
    first: "datagrams" | "sleepers" = "datagrams"
  ) => {
    const read = Effect.sync(() => Sockets.thaw(machine))
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
  const takeOver = (machine: Sockets.Machine) =>
    Effect.suspend(() => {
      const { going } = machine
      machine.going = undefined
      return going === undefined ? Effect.void : going.clock
    })

  const addHost = Effect.fnUntraced(function*(given: string | HostOptions) {
    const wanted: HostOptions = typeof given === "string" ? { name: given } : given
    let number = machines.size + 1
    while (wanted.ip === undefined && byIp.has(`10.0.0.${number}`)) number++
    const ip = wanted.ip ?? `10.0.0.${number}`
    if (machines.has(wanted.name) || byIp.has(ip)) {
      return yield* Effect.die(new Error(`a machine with the name ${wanted.name} or the address ${ip} exists already`))
    }
    const machine: Sockets.Machine = {
      name: wanted.name,
      ip,
      subnet: subnetOf(ip),
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
      multicastLoss: multicastLoss.get(wanted.name) ?? 0
    }
    const clock = SimulatedClock.makeUnsafe(agenda, options.epoch ?? 0, wanted)
    const datagrams = Datagrams.Datagrams.of({ open: openOn(machine) })
    const set = (state: Partial<Pick<Sockets.Machine, "suspended" | "down">>) =>
      Effect.sync(() => void Object.assign(machine, state))
    // Nothing runs between the two changes of its clock.
    const freeze = Effect.andThen(
      takeOver(machine),
      Effect.sync(() => {
        machine.frozen = true
      })
    )
    const each = (f: (socket: Sockets.Socket) => void) => Effect.sync(() => machine.sockets.forEach(f))
    const host: Host = {
      name: machine.name,
      ip,
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
      endpoints: Effect.sync(() => machine.sockets.size)
    }
    machines.set(machine.name, { machine, host })
    byIp.set(ip, machine)
    return host
  })

  const inject: SimulatedNetwork["inject"] = (to, from, payload, via) =>
    Effect.suspend(() => {
      const known = machines.get(to)
      if (known === undefined) return Effect.die(new Error(`no machine is called ${to}`))
      for (const socket of known.machine.sockets) {
        const { address, options: { multicastAddress, port } } = socket
        const datagram: Ledger.Datagram = {
          sender: to,
          from,
          to: via === "unicast" ? address : { ip: multicastAddress, port },
          via,
          payload: payload.slice()
        }
        // From itself, so that nothing befalls it.
        carryTo(datagram, socket)
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
