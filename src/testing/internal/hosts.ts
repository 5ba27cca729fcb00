/** The machines of a simulated network: how one is added, and all that can be done to it. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Spelling from "../../settings/Spelling.ts"
import * as Datagrams from "../../transport/Datagrams.ts"
import * as SinceBoot from "../../transport/SinceBoot.ts"
import * as SimulatedClock from "../SimulatedClock.ts"
import { type Host, type HostOptions, optionNames } from "../SimulatedHost.ts"
import * as Addressing from "./addressing.ts"
import type { Agenda } from "./agenda.ts"
import * as CrashLinks from "./crashLinks.ts"
import * as Endpoints from "./endpoints.ts"
import * as Interfaces from "./interfaces.ts"
import type { Machine, Socket } from "./machine.ts"
import * as Pausing from "./pausing.ts"
import * as Sockets from "./sockets.ts"

/** The machines of one network, and what they share. */
export interface Hosts extends Endpoints.Shared {
  readonly seed: number | string
  /** What their wall clocks show at the start. */
  readonly epoch: number
  readonly agenda: Agenda
  readonly machines: Map<string, { readonly machine: Machine; readonly host: Host }>
  readonly byIp: Map<string, Machine>
  /** By their names, which may stand for machines that do not exist yet. */
  readonly multicastLoss: Map<string, number>
}

export const chanceOf = (seed: number | string): Effect.Effect<Random.Random> =>
  Random.withSeed(Effect.service(Random.Random), seed)

export const add = Effect.fnUntraced(function*(hosts: Hosts, given: string | HostOptions) {
  const { agenda, byIp, epoch, machines } = hosts
  const wanted: HostOptions = typeof given === "string" ? { name: given } : given
  yield* Effect.orDie(Spelling.refuseUnknown(wanted, optionNames))
  let number = machines.size + 1
  while (wanted.ip === undefined && byIp.has(`10.0.0.${number}`)) number++
  const ip = wanted.ip === undefined ? `10.0.0.${number}` : wanted.ip
  if (machines.has(wanted.name) || (ip !== null && byIp.has(ip))) {
    return yield* Effect.die(new Error(`a machine with the name ${wanted.name} or the address ${ip} exists already`))
  }
  const machine = yield* machineOf(hosts, wanted.name, ip)
  const host = hostOf(hosts, machine, SimulatedClock.makeUnsafe(agenda, epoch, wanted))
  machines.set(machine.name, { machine, host })
  if (ip !== null) byIp.set(ip, machine)
  return host
})

const machineOf = ({ multicastLoss, seed }: Hosts, name: string, ip: string | null): Effect.Effect<Machine> =>
  // Of its own, so that what opens sockets does not disturb what happens to datagrams.
  Effect.map(chanceOf(`${seed} ports of ${name}`), (chance) => ({
    name,
    interfaces: [Interfaces.make("sim0", ip)],
    sockets: new Set(),
    ports: new Map(),
    questions: new Map(),
    chance,
    tcp: "open",
    frozen: false,
    going: undefined,
    suspended: false,
    down: false,
    overflowUntil: -1,
    multicastLoss: multicastLoss.get(name) ?? 0,
    failing: { scans: false, sockets: false, sends: false },
    looksLater: false
  }))

const hostOf = (hosts: Hosts, machine: Machine, clock: SimulatedClock.SimulatedClock): Host => {
  const { agenda, byIp } = hosts
  const datagrams = Endpoints.datagramsOf(machine, hosts)
  return {
    name: machine.name,
    get ip() {
      return Addressing.ipOf(machine)
    },
    interfaces: Effect.sync(() => machine.interfaces.map(({ ip, name }) => ({ name, ip }))),
    ...Addressing.verbs(machine, byIp, agenda),
    clock,
    datagrams,
    layerDatagrams: Layer.succeed(Datagrams.Datagrams, datagrams),
    layer: Layer.succeedContext(
      Context.make(Datagrams.Datagrams, datagrams).pipe(
        Context.add(Clock.Clock, clock),
        Context.add(SinceBoot.SinceBoot, () => ({ sinceBoot: clock.sinceBoot(), doubted: 0 }))
      )
    ),
    ...Pausing.verbs(machine, clock, agenda),
    ...faults(machine, hosts),
    ...views(machine)
  }
}

/** What goes wrong on a machine. */
const faults = (
  machine: Machine,
  { agenda, network }: Pick<Hosts, "agenda" | "network">
): Pick<Host, "setFailing" | "setTcp" | "disconnect" | "connect" | "killEndpoints" | "trouble" | "overflow"> => {
  const setDown = (down: boolean) =>
    Effect.sync(() => {
      machine.down = down
    })
  const each = (f: (socket: Socket) => void) => Effect.sync(() => machine.sockets.forEach(f))
  return {
    setFailing: (what, failing) =>
      Effect.sync(() => {
        machine.failing[what] = failing
        Sockets.lookLater(machine, agenda)
      }),
    setTcp: (tcp) => Effect.sync(() => CrashLinks.setTcp(network, machine, tcp)),
    disconnect: setDown(true),
    connect: setDown(false),
    killEndpoints: each((socket) => Sockets.close(socket, "dead")),
    trouble: (failure) => each((socket) => Sockets.trouble(socket, failure)),
    overflow: (duration) =>
      Effect.sync(() => {
        machine.overflowUntil = agenda.now() + Duration.toMillis(duration)
      })
  }
}

/** What is seen of the sockets of a machine. */
const views = (
  machine: Machine
): Pick<Host, "isCurrent" | "isCurrentUnsafe" | "waiting" | "listening" | "endpoints"> => ({
  isCurrent: Effect.sync(() => Interfaces.areKnown(machine)),
  isCurrentUnsafe: () => Interfaces.areKnown(machine),
  waiting: Effect.sync(() => [...machine.sockets].reduce((sum, { buffer }) => sum + buffer.length, 0)),
  listening: Effect.sync(() =>
    [...machine.sockets].flatMap(({ locals }) =>
      locals.flatMap(({ interface: name, ip, isThere, port }) =>
        isThere && name !== Interfaces.loopback ? [{ ip, port }] : []
      )
    )
  ),
  endpoints: Effect.sync(() => machine.sockets.size)
})
