/**
 * Looks at the network of this host: opens each chosen interface by itself, multicasts questions out of it and hears whether
 * they come back, listens to the group, and asks every server that it learns of by unicast. It joins nothing: nobody's view
 * changes by it, and it runs beside a server of the same host as well as where none runs.
 *
 * Here are sockets and time only. What is heard becomes evidence; what it means is folded in `Knowledge`.
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
import type * as Inquiry from "../group/Inquiry.ts"
import * as Keys from "../group/Keys.ts"
import * as Seeds from "../group/Seeds.ts"
import * as Supervisor from "../group/Supervisor.ts"
import * as Frame from "../protocol/Frame.ts"
import { formatAddress } from "../protocol/Member.ts"
import * as MulticastGroup from "../settings/MulticastGroup.ts"
import type { SettingRefused } from "../settings/SettingRefused.ts"
import type * as Settings from "../settings/Settings.ts"
import type * as Datagrams from "../transport/Datagrams.ts"
import * as InterfaceChoice from "../transport/interfaces/InterfaceChoice.ts"
import { Interfaces } from "../transport/interfaces/Interfaces.ts"
import { familyOf } from "../transport/interfaces/SystemInterface.ts"
import * as Kernel from "../transport/Kernel.ts"
import * as Networks from "../transport/Networks.ts"
import type { Evidence, Question } from "./Evidence.ts"
import * as Knowledge from "./Knowledge.ts"
import type { Observations, Socket } from "./Observations.ts"
import * as ProbeSocket from "./ProbeSocket.ts"
import * as Questions from "./Questions.ts"

/** The settings that an examination goes by. */
export type Examined = Inquiry.Questioned & Pick<Settings.Settings, "memberTimeout">

/** An examination under way. Both can be asked at any time until the scope closes. */
export interface Examination {
  /** All that was seen so far. */
  readonly observations: Effect.Effect<Observations>
  /** Fails where a fiber of it died again and again. */
  readonly failed: Effect.Effect<never, Supervisor.GroupFailed>
}

/** Begins to look. It goes on until the scope closes. */
export const make = Effect.fnUntraced(function*(settings: Examined): Effect.fn.Return<
  Examination,
  SettingRefused,
  Datagrams.Datagrams | Interfaces | Kernel.Kernel | Scope.Scope
> {
  const keys = yield* Keys.make(settings, Duration.toMillis(settings.memberTimeout))
  const notes = yield* begin(settings, keys)
  const supervisor = yield* Supervisor.make((fiber, cause) =>
    Effect.sync(() => {
      const refusal = { during: "receive", kind: cause, where: `our own ${fiber}`, errno: null } as const
      notes.learn({ _tag: "Refused", refusal })
    })
  )
  const looking: Looking = { ...notes, settings, keys, supervisor, open: new Map(), seeds: new Map() }
  const { scan: system } = yield* Interfaces
  const scan = scanned(looking, system)
  const askAll = Effect.gen(function*() {
    yield* scan
    notes.learn({ _tag: "RoundBegan" })
    yield* openAll(looking)
    yield* askGroup(looking)
    yield* askSeeds(looking)
    yield* askServers(looking)
  })
  const services = yield* Effect.context<Datagrams.Datagrams | Scope.Scope>()
  yield* supervisor.keep("questions", Effect.provideContext(Effect.repeat(askAll, pace), services))
  const askKernel = yield* askingKernel(looking)
  const observations = Effect.gen(function*() {
    yield* scan
    yield* askKernel
    for (const [seed, names] of looking.seeds) resolved(looking, seed, names)
    return notes.seen()
  })
  return { observations, failed: supervisor.failed }
})

// internal

/** Often at first, when there is most to learn. */
const pace = Schedule.spaced("250 millis").pipe(
  Schedule.upTo({ times: 3 }),
  Schedule.concat(Schedule.upTo(Schedule.spaced("1 second"), { times: 30 })),
  Schedule.concat(Schedule.spaced("5 seconds"))
)

/** What was refused is tried again in each fourth round only: it costs sockets. */
const openEvery = 4
/** As servers do: a name that has not answered is looked up again. */
const resolveEvery = 8
/** How many servers are asked in one round. */
const serversARound = 64

/** What is known, and the one way to know more. */
interface Notes {
  readonly known: () => Knowledge.Knowledge
  readonly learn: (evidence: Evidence) => void
  readonly seen: () => Observations
  /** Notes a question before it is sent, by nonces of its own. */
  readonly noted: (question: Question, count: number) => ReadonlyArray<string>
}

interface Looking extends Notes {
  readonly settings: Examined
  readonly keys: Keys.Keys
  readonly supervisor: Supervisor.Supervisor
  /** By the address of each interface whose sockets are open. */
  readonly open: Map<string, ProbeSocket.ProbeSocket>
  readonly seeds: Map<string, Seeds.Seeds>
}

const begin = Effect.fnUntraced(function*(settings: Examined, keys: Keys.Keys): Effect.fn.Return<Notes> {
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
    exposedKeyFile: keys.exposure()
  }))
  const word = () => Math.floor(random.nextDoubleUnsafe() * 0x1_0000_0000).toString(16).padStart(8, "0")
  const learn = (evidence: Evidence): void => {
    MutableRef.update(notes, (known) => Knowledge.step(known, evidence, now()))
  }
  return {
    known: () => notes.current,
    learn,
    seen: () => Knowledge.observations(notes.current, now()),
    noted: (question, count) => {
      const nonces = Array.from({ length: count }, () => word() + word())
      learn({ _tag: "Asked", question, nonces })
      return nonces
    }
  }
})

/** Asks the system for its interfaces. Where it says nothing, that is no news of them. */
const scanned = ({ learn, settings }: Looking, scan: Interfaces["Service"]["scan"]) =>
  Effect.matchEager(scan, {
    onFailure: (error) => learn({ _tag: "Refused", refusal: ProbeSocket.refusalOf(error) }),
    onSuccess: (system) => {
      const { interfaces: named, multicastAddress } = settings
      const interfaces = InterfaceChoice.explain({ system, named, multicastAddress })
      learn({ _tag: "InterfacesScanned", interfaces })
    }
  })

/** Opens the sockets of chosen interfaces that have none yet. */
const openAll = Effect.fnUntraced(function*(looking: Looking) {
  const { keys, known, learn, open, seeds, settings, supervisor } = looking
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

const askGroup = Effect.fnUntraced(function*({ noted, open, settings }: Looking) {
  if (!settings.multicast) return
  for (const { address, ask } of open.values()) {
    for (const nonce of noted({ _tag: "Group", address }, 1)) yield* ask(null, nonce, 0)
  }
})

const askSeeds = Effect.fnUntraced(function*(looking: Looking) {
  const { noted, open, settings } = looking
  if (open.size === 0) return
  for (const place of settings.seeds) {
    const seed = Host.formatHostPort(place)
    const names = yield* namesOf(looking, place)
    resolved(looking, seed, names)
    const ways = names.addresses().flatMap((to) => {
      const way = wayTo(open, to.ip)
      return way === undefined ? [] : [{ to, way }]
    })
    const nonces = noted({ _tag: "Seed", seed }, ways.length)
    for (const [at, { to, way }] of ways.entries()) yield* way.ask(to, nonces[at]!, 0)
  }
})

/** Asks the next few of all servers, by turns. */
const askServers = Effect.fnUntraced(function*({ known, noted, open }: Looking) {
  const { rounds, servers } = known()
  const all = [...servers.values()]
  const start = all.length <= serversARound ? 0 : (rounds * serversARound) % all.length
  for (const { at, id } of [...all.slice(start), ...all.slice(0, start)].slice(0, serversARound)) {
    const way = wayTo(open, at.ip)
    if (way === undefined) continue
    for (const nonce of noted({ _tag: "Server", id }, 1)) yield* way.ask(at, nonce, 0)
  }
})

/** The addresses of a seed: looked up at first, and again in the background while none of them answers. */
const namesOf = Effect.fnUntraced(function*({ known, open, seeds, settings }: Looking, place: Host.HostPort) {
  const seed = Host.formatHostPort(place)
  const names = seeds.get(seed)
  if (names === undefined) {
    const made = yield* Seeds.make({ ...settings, seeds: [place] }, { resolve: (host) => resolveBy(open, host) })
    seeds.set(seed, made)
    return made
  }
  const isSilent = (known().seeds.get(seed)?.answered ?? null) === null
  if (isSilent && known().rounds % resolveEvery === 1) yield* Effect.forkScoped(names.resolve)
  return names
})

const resolved = ({ learn }: Looking, seed: string, names: Seeds.Seeds): void =>
  learn({ _tag: "SeedResolved", seed, addresses: names.addresses().map(formatAddress) })

/** The socket from which an address is spoken to: each has one family, though its interface has networks of both. */
const wayTo = (open: Looking["open"], ip: string): ProbeSocket.ProbeSocket | undefined => {
  const able = [...open.values()].filter(({ address }) => familyOf(address) === familyOf(ip))
  return able.find(({ isDirect }) => isDirect(ip)) ?? able[0]
}

/** The addresses of a name, of all families that there are sockets of. */
const resolveBy = Effect.fnUntraced(function*(open: Looking["open"], host: string) {
  const ofFamilies = new Map([...open.values()].toReversed().map((one) => [familyOf(one.address), one] as const))
  const [found, failures] = yield* Effect.partition(ofFamilies.values(), ({ resolve }) => resolve(host))
  const [failure] = failures
  return found.length === 0 && failure !== undefined ? yield* failure : found.flat()
})

/** Asks the system who else has our ports. To find the owners is to look at every process: not each time that somebody asks. */
const askingKernel = Effect.fnUntraced(function*({ learn, settings }: Looking) {
  const kernel = yield* Kernel.Kernel
  const socketsOn = (port: number) =>
    Effect.map(
      kernel.udpSockets(port),
      (sockets) =>
        Option.map(sockets, (some) =>
          some.filter(({ own }) =>
            !own
          ).map(({ drops, ip, owner, uid }): Socket => ({ ip, port, uid, drops, owner })))
    )
  return yield* Effect.cachedWithTTL(
    Effect.gen(function*() {
      const { port, unicastPort } = settings
      const sockets = yield* Effect.forEach([port, ...(unicastPort === 0 ? [] : [unicastPort])], socketsOn)
      learn({
        _tag: "SystemTold",
        sockets: Option.getOrNull(Option.map(Option.all(sockets), (some) => some.flat())),
        receiveBufferLimit: Option.getOrNull(yield* kernel.receiveBufferLimit)
      })
    }),
    "2 seconds"
  )
})
