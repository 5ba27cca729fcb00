/**
 * The shell of `doctor`: sockets and time. It multicasts questions out of each chosen interface, hears whether they come
 * back, listens to the group, and asks each known server by unicast. All of it becomes evidence, which `Knowledge` folds.
 *
 * It joins nothing: no view changes by it. It also runs beside a server of the same host.
 */
import { bytesToHex } from "@noble/hashes/utils.js"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as MutableRef from "effect/MutableRef"
import * as Host from "effect/net/Host"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as Inquiry from "../client/Inquiry.ts"
import type { GroupFailed } from "../engine/GroupFailed.ts"
import * as Supervisor from "../engine/Supervisor.ts"
import { formatAddress } from "../protocol/model/Member.ts"
import * as Frame from "../protocol/wire/Frame.ts"
import * as Keys from "../server/Keys.ts"
import * as Seeds from "../server/Seeds.ts"
import * as MulticastGroup from "../settings/MulticastGroup.ts"
import type { SettingRefused } from "../settings/SettingRefused.ts"
import type * as Settings from "../settings/Settings.ts"
import type * as Datagrams from "../transport/Datagrams.ts"
import * as InterfaceChoice from "../transport/interfaces/InterfaceChoice.ts"
import { Interfaces } from "../transport/interfaces/Interfaces.ts"
import { familyOf } from "../transport/interfaces/SystemInterface.ts"
import * as Kernel from "../transport/Kernel.ts"
import * as Networks from "../transport/Networks.ts"
import * as Ports from "../transport/Ports.ts"
import type { Evidence, Question } from "./Evidence.ts"
import * as Knowledge from "./Knowledge.ts"
import type { Observations, Socket } from "./Observations.ts"
import * as ProbeSocket from "./ProbeSocket.ts"
import * as Questions from "./Questions.ts"

/** The settings that an examination goes by. */
export type Examined = Inquiry.Questioned & Pick<Settings.Settings, "groupSize" | "memberTimeout">

/** An examination that runs. Both can be asked at any time until the scope closes. */
export interface Examination {
  /** All that was seen so far. */
  readonly observations: Effect.Effect<Observations>
  /** Fails when a fiber of it has died too often. */
  readonly failed: Effect.Effect<never, GroupFailed>
}

/** Starts an examination. It goes on until the scope closes. */
export const make = Effect.fnUntraced(function*(settings: Examined): Effect.fn.Return<
  Examination,
  SettingRefused,
  Datagrams.Datagrams | Interfaces | Kernel.Kernel | Scope.Scope
> {
  const keys = yield* Keys.make(settings, Duration.toMillis(settings.memberTimeout))
  const notes = yield* makeNotes(settings, keys)
  const supervisor = yield* Supervisor.make((fiber, cause) =>
    Effect.sync(() => {
      const refusal = { during: "receive", kind: cause, where: `our own ${fiber}`, errno: null } as const
      notes.learn({ _tag: "Refused", refusal })
    })
  )
  const running: Running = { ...notes, settings, keys, supervisor, open: new Map(), seeds: new Map() }
  const { scan: system } = yield* Interfaces
  const scan = scanned(running, system)
  const askAll = Effect.gen(function*() {
    yield* scan
    notes.learn({ _tag: "RoundBegan" })
    yield* openAll(running)
    yield* askGroup(running)
    yield* askSeeds(running)
    yield* askServers(running)
  })
  const services = yield* Effect.context<Datagrams.Datagrams | Scope.Scope>()
  yield* supervisor.keep("questions", Effect.provideContext(Effect.repeat(askAll, pace), services))
  yield* supervisor.keep("links", Effect.repeat(tryLinks(running), linkPace))
  const askKernel = yield* askingKernel(running)
  const observations = Effect.gen(function*() {
    yield* scan
    yield* askKernel
    for (const [seed, names] of running.seeds) resolved(running, seed, names)
    return notes.observed()
  })
  return { observations, failed: supervisor.failed }
})

// internal

/** How long to wait after each round. The first rounds follow each other fast, so that a healthy group is known soon. */
const pace = Schedule.spaced("250 millis").pipe(
  Schedule.upTo({ times: 3 }),
  Schedule.concat(Schedule.upTo(Schedule.spaced("1 second"), { times: 30 })),
  Schedule.concat(Schedule.spaced("5 seconds"))
)

/** In rounds: how often sockets that were refused are tried again. Each try costs sockets. */
const openEvery = 4
/** In rounds: how often the name of a seed that has not answered is resolved again, as servers do. */
const resolveEvery = 8
/** At most so many servers are asked in one round. */
const serversARound = 64

/** At most so many servers are connected to in one round of that. */
const linksARound = 16
const linkPace = Schedule.spaced("500 millis")

/** What is known, and the one way to know more. */
interface Notes {
  readonly known: () => Knowledge.Knowledge
  readonly learn: (evidence: Evidence) => void
  readonly observed: () => Observations
  /** Notes a question that is about to be sent to so many addresses, and gives a nonce for each. */
  readonly asking: (question: Question, count: number) => ReadonlyArray<string>
}

/** What an examination has while it runs. */
interface Running extends Notes {
  readonly settings: Examined
  readonly keys: Keys.Keys
  readonly supervisor: Supervisor.Supervisor
  /** The interfaces whose sockets are open, by address. */
  readonly open: Map<string, ProbeSocket.ProbeSocket>
  readonly seeds: Map<string, Seeds.Seeds>
}

const makeNotes = Effect.fnUntraced(function*(settings: Examined, keys: Keys.Keys): Effect.fn.Return<Notes> {
  const clock = yield* Clock.Clock
  const random = yield* Random.Random
  const began = clock.monotonicTimeNanosUnsafe()
  const now = () => Math.round(Number(clock.monotonicTimeNanosUnsafe() - began) / 1e6)
  const notes = MutableRef.make(Knowledge.make({
    at: clock.currentTimeMillisUnsafe(),
    group: settings.group,
    tag: bytesToHex(Frame.groupTag(settings.group)),
    multicastAddress: MulticastGroup.format(settings.multicastAddress),
    port: settings.port,
    ttl: settings.ttl,
    multicast: settings.multicast,
    unicastPort: settings.unicastPort,
    heartbeatInterval: Math.round(Duration.toMillis(settings.heartbeatInterval)),
    ...(settings.groupSize !== undefined && { groupSize: settings.groupSize }),
    exposedKeyFile: keys.exposure()
  }))
  const word = () => Math.floor(random.nextDoubleUnsafe() * 0x1_0000_0000).toString(16).padStart(8, "0")
  const learn = (evidence: Evidence): void => {
    MutableRef.update(notes, (known) => Knowledge.step(known, evidence, now()))
  }
  return {
    known: () => notes.current,
    learn,
    observed: () => Knowledge.observations(notes.current, now()),
    asking: (question, count) => {
      const nonces = Array.from({ length: count }, () => word() + word())
      learn({ _tag: "Asked", question, nonces })
      return nonces
    }
  }
})

/** Asks the system for its interfaces. If that fails, those known before stay. */
const scanned = ({ learn, settings }: Running, scan: Interfaces["Service"]["scan"]) =>
  Effect.matchEager(scan, {
    onFailure: (error) => learn({ _tag: "Refused", refusal: ProbeSocket.refusalOf(error) }),
    onSuccess: (system) => {
      const { interfaces: named, multicastAddress } = settings
      const interfaces = InterfaceChoice.explain({ system, named, multicastAddress })
      learn({ _tag: "InterfacesScanned", interfaces })
    }
  })

/** Opens the sockets of the chosen interfaces that have none yet. */
const openAll = Effect.fnUntraced(function*(running: Running) {
  const { keys, known, learn, open, seeds, settings, supervisor } = running
  const { probes, rounds } = known()
  for (const [address, { refusal }] of probes) {
    if (open.has(address) || (refusal !== null && rounds % openEvery !== 1)) continue
    const socket = yield* ProbeSocket.open(address, {
      settings,
      keys,
      supervisor,
      learn,
      isKnown: (ip) => Networks.hold(settings.networks, ip) || [...seeds.values()].some(({ holds }) => holds(ip)),
      counting: (ip) => {
        const sockets = [...open.values()]
        return (sockets.find(({ isDirect }) => isDirect(ip)) ?? sockets[0])?.address
      },
      nextPage: (message) => Questions.nextPage(known().questions, message)
    })
    if (socket !== undefined) open.set(address, socket)
  }
})

const askGroup = Effect.fnUntraced(function*({ asking, open, settings }: Running) {
  if (!settings.multicast) return
  for (const { address, ask } of open.values()) {
    for (const nonce of asking({ _tag: "Group", address }, 1)) yield* ask(null, nonce, 0)
  }
})

const askSeeds = Effect.fnUntraced(function*(running: Running) {
  const { asking, open, settings } = running
  if (open.size === 0) return
  for (const hostPort of settings.seeds) {
    const seed = Host.formatHostPort(hostPort)
    const names = yield* namesOf(running, hostPort)
    resolved(running, seed, names)
    const ways = names.addresses().flatMap((to) => {
      const way = wayTo(open, to.ip)
      return way === undefined ? [] : [{ to, way }]
    })
    const nonces = asking({ _tag: "Seed", seed }, ways.length)
    for (const [index, { to, way }] of ways.entries()) yield* way.ask(to, nonces[index]!, 0)
  }
})

/** Asks the next few servers. If there are too many for one round, they take turns. */
const askServers = Effect.fnUntraced(function*({ asking, known, open }: Running) {
  const { rounds, servers } = known()
  const all = [...servers.values()]
  const start = all.length <= serversARound ? 0 : (rounds * serversARound) % all.length
  for (const { address, id } of [...all.slice(start), ...all.slice(0, start)].slice(0, serversARound)) {
    const way = wayTo(open, address.ip)
    if (way === undefined) continue
    for (const nonce of asking({ _tag: "Server", id }, 1)) yield* way.ask(address, nonce, 0)
  }
})

/** Connects to the ports for crash links of the servers that were tried least. */
const tryLinks = Effect.fnUntraced(function*({ known, learn }: Notes) {
  const connect = yield* Ports.Connect
  const all = [...known().servers.values()].flatMap(({ address, id, links }) =>
    links === undefined ? [] : [{ id, at: { ip: address.ip, port: links.port }, tried: links.tried }]
  )
  const next = all.toSorted((one, other) => one.tried - other.tried).slice(0, linksARound)
  yield* Effect.forEach(
    next,
    ({ at, id }) => Effect.map(connect(at), (outcome) => learn({ _tag: "LinkTried", id, outcome })),
    { concurrency: "unbounded", discard: true }
  )
})

/** The addresses of a seed: resolved at first, and again in the background while none of them answers. */
const namesOf = Effect.fnUntraced(function*({ known, open, seeds, settings }: Running, hostPort: Host.HostPort) {
  const seed = Host.formatHostPort(hostPort)
  const names = seeds.get(seed)
  if (names === undefined) {
    const made = yield* Seeds.make({ ...settings, seeds: [hostPort] }, { resolve: (host) => resolveBy(open, host) })
    seeds.set(seed, made)
    return made
  }
  const isSilent = (known().seeds.get(seed)?.answered ?? null) === null
  if (isSilent && known().rounds % resolveEvery === 1) yield* Effect.forkScoped(names.resolve)
  return names
})

const resolved = ({ learn }: Running, seed: string, names: Seeds.Seeds): void =>
  learn({ _tag: "SeedResolved", seed, addresses: names.addresses().map(formatAddress) })

/** The socket to send from: one of the family of the address, if possible one that is on its network. */
const wayTo = (open: Running["open"], ip: string): ProbeSocket.ProbeSocket | undefined => {
  const able = [...open.values()].filter(({ address }) => familyOf(address) === familyOf(ip))
  return able.find(({ isDirect }) => isDirect(ip)) ?? able[0]
}

/** The addresses of a name, of each family that a socket is open for. */
const resolveBy = Effect.fnUntraced(function*(open: Running["open"], host: string) {
  const ofFamilies = new Map([...open.values()].toReversed().map((one) => [familyOf(one.address), one] as const))
  const [found, failures] = yield* Effect.partition(ofFamilies.values(), ({ resolve }) => resolve(host))
  const [failure] = failures
  return found.length === 0 && failure !== undefined ? yield* failure : found.flat()
})

/** Asks the system which sockets of others are on our ports. The answer is kept for a moment: all processes are read for it. */
const askingKernel = Effect.fnUntraced(function*({ learn, settings }: Running) {
  const kernel = yield* Kernel.Kernel
  const socketsOn = Effect.fnUntraced(function*(port: number) {
    const sockets = Option.map(yield* kernel.udpSockets(port), (all) => all.filter(({ own }) => !own))
    return Option.map(
      sockets,
      (others) => others.map(({ drops, ip, owner, uid }): Socket => ({ ip, port, uid, drops, owner }))
    )
  })
  return yield* Effect.cachedWithTTL(
    Effect.gen(function*() {
      const { port, unicastPort } = settings
      const sockets = yield* Effect.forEach([port, ...(unicastPort === 0 ? [] : [unicastPort])], socketsOn)
      learn({
        _tag: "SystemReported",
        sockets: Option.getOrNull(Option.map(Option.all(sockets), (some) => some.flat())),
        receiveBufferLimit: Option.getOrNull(yield* kernel.receiveBufferLimit)
      })
    }),
    "2 seconds"
  )
})
