/**
 * Gathers what `Diagnosis` judges: opens each chosen interface by itself, multicasts questions out of it and hears whether
 * they come back, listens to the group, and asks every server that it learns of by unicast. It joins nothing: nobody's view
 * changes by it, and it runs beside a server of the same host as well as where none runs.
 *
 * @since 0.1.0
 */
import { bytesToHex } from "@noble/hashes/utils.js"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import * as Keys from "../group/Keys.ts"
import * as Seeds from "../group/Seeds.ts"
import type * as Setting from "../group/Setting.ts"
import type * as Settings from "../group/Settings.ts"
import * as Supervisor from "../group/Supervisor.ts"
import * as Frame from "../protocol/Frame.ts"
import { type Address, formatAddress, type NodeId } from "../protocol/Member.ts"
import * as MemberLists from "../protocol/MemberLists.ts"
import type * as Message from "../protocol/Message.ts"
import * as Zone from "../protocol/Zone.ts"
import * as Datagrams from "../transport/Datagrams.ts"
import * as InterfaceChoice from "../transport/interfaces/InterfaceChoice.ts"
import { Interfaces, type System, systemOf } from "../transport/interfaces/Interfaces.ts"
import { familyOf, type SystemInterface } from "../transport/interfaces/SystemInterface.ts"
import * as Kernel from "../transport/Kernel.ts"
import * as Messenger from "../transport/Messenger.ts"
import * as Networks from "../transport/Networks.ts"
import type { Interface, Observations, Refusal, Seed, Server, Socket, Stranger, Times } from "./Observations.ts"

/**
 * The settings that an examination goes by.
 *
 * @category models
 * @since 0.1.0
 */
export type Examined = Pick<
  Settings.Settings,
  | "group"
  | "key"
  | "keyFile"
  | "keyMode"
  | "maxSessions"
  | "multicast"
  | "multicastAddress"
  | "port"
  | "ttl"
  | "interfaces"
  | "seeds"
  | "networks"
  | "unicastPort"
  | "heartbeatInterval"
  | "memberTimeout"
>

/**
 * An examination under way. Both can be asked at any time until the scope closes.
 *
 * @category models
 * @since 0.1.0
 */
export interface Examination {
  /** All that was seen so far. */
  readonly observations: Effect.Effect<Observations>
  /** Fails where a fiber of it died again and again. */
  readonly failed: Effect.Effect<never, Supervisor.GroupFailed>
}

// All tables are bounded: what comes over the network decides how much there is to keep.
const most = { servers: 1_024, strangers: 256, refusals: 64, questions: 8_192, starts: 8, pages: 256, directs: 64 }

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** One interface that is examined, while it is. */
interface Station {
  readonly nic: SystemInterface
  refusal: Refusal | null
  messenger: Messenger.Messenger | undefined
  endpoint: Datagrams.Endpoint | undefined
  sent: number
  echoed: number
  /** Echoes that are known by their seal alone. */
  sealed: number
  lastSent: number | null
  lastEcho: number | null
}

/** What a nonce of ours asked, so that its echo and its answers are known for what they are. */
type Question =
  | { readonly _tag: "Group"; readonly station: Station; readonly round: number; echoed: boolean }
  | { readonly _tag: "Direct"; readonly id: NodeId }
  | { readonly _tag: "Seed"; readonly seed: string }

/** One seed, and how it resolves. */
interface Seeded {
  readonly seed: string
  readonly names: Seeds.Seeds
  asked: number
  answered: Times | null
}

interface Known extends Mutable<Omit<Server, "starts" | "follows" | "local">> {
  starts: ReadonlyArray<Server["starts"][number]>
  follows: Server["follows"]
  /** Where it is asked. */
  at: Address
  /** When anything was last heard from it, or of it. */
  last: number
}

/**
 * Begins to look. It goes on until the scope closes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(settings: Examined): Effect.fn.Return<
  Examination,
  Setting.SettingRefused,
  Datagrams.Datagrams | Interfaces | Kernel.Kernel | Scope.Scope
> {
  const clock = yield* Clock.Clock
  const random = yield* Random.Random
  const datagrams = yield* Datagrams.Datagrams
  const interfaces = yield* Interfaces
  const kernel = yield* Kernel.Kernel
  const scope = yield* Effect.scope
  const keys = yield* Keys.make(settings, Duration.toMillis(settings.memberTimeout))
  const tag = Frame.groupTag(settings.group)
  const at = clock.currentTimeMillisUnsafe()
  const begun = clock.monotonicTimeNanosUnsafe()
  const now = () => Math.round(Number(clock.monotonicTimeNanosUnsafe() - begun) / 1e6)

  const stations = new Map<string, Station>()
  const servers = new Map<NodeId, Known>()
  const strangers = new Map<string, Mutable<Stranger>>()
  const refusals = new Map<string, Refusal>()
  const questions = new Map<string, Question>()
  const seeds = new Map<string, Seeded>()
  const networks = settings.networks.flatMap((text) => Option.toArray(Networks.parse(text)))
  const answeredBy = new Set<NodeId>()
  let asked = 0
  /** The newest question to the group, by its number, that somebody has answered, and when. */
  let answered = 0
  let lastAnswer: number | null = null
  let rounds = 0

  const supervisor = yield* Supervisor.make((fiber, cause) =>
    Effect.sync(() => refuse({ during: "receive", kind: cause, where: `our own ${fiber}`, errno: null }))
  )

  const refuse = (refusal: Refusal): void => {
    const key = `${refusal.during} ${refusal.where} ${refusal.errno ?? refusal.kind}`
    if (refusals.size < most.refusals) refusals.set(key, refusal)
  }

  const ask = (question: Question): string => {
    const word = () => Math.floor(random.nextDoubleUnsafe() * 0x1_0000_0000).toString(16).padStart(8, "0")
    const nonce = word() + word()
    questions.set(nonce, question)
    if (questions.size > most.questions) {
      for (const oldest of questions.keys()) {
        questions.delete(oldest)
        break
      }
    }
    return nonce
  }

  // --- What is heard ---

  const stamp = (times: Server["multicast"]) => ({ first: times?.first ?? now(), last: now() })

  /** The record of a server, where there is room for it. */
  const serverOf = (
    { id, ip, name, port }: Pick<Message.Listed, "id" | "ip" | "name" | "port">,
    from: Address
  ): Known | undefined => {
    const known = servers.get(id)
    if (known !== undefined) {
      known.last = now()
      return known
    }
    if (servers.size >= most.servers) return undefined
    const server: Known = {
      id,
      name,
      ip,
      port,
      at: from,
      last: now(),
      interval: null,
      multicast: null,
      asked: 0,
      answered: null,
      listed: false,
      starts: [],
      follows: null
    }
    servers.set(id, server)
    return server
  }

  const spoke = (server: Known, incarnation: number, from: Address): void => {
    const address = formatAddress(from)
    const others = server.starts.filter((start) => start.incarnation !== incarnation || start.address !== address)
    const before = server.starts.find((start) => !others.includes(start))
    server.starts = [...others, { incarnation, address, ...stamp(before ?? null) }].slice(-most.starts)
  }

  const follows = (server: Known, { leader, term }: Pick<Message.Header, "leader" | "term">): void => {
    const before = server.follows
    const isSame = leader !== null && before?.leader === leader.id && before.term === term
    server.follows = leader === null ? null : { leader: leader.id, term, since: isSame ? before.since : now() }
  }

  const onServer = (message: Message.FromServer, from: Address, via: "multicast" | "unicast"): void => {
    const { sender } = message
    const server = serverOf(sender, from)
    if (server === undefined) return
    server.name = sender.name
    server.at = from
    if (via === "multicast") server.multicast = stamp(server.multicast)
    if ("interval" in message) server.interval = message.interval
    if ("view" in message && message.view !== undefined) server.alone = message.view === MemberLists.digest([sender])
    spoke(server, sender.incarnation, from)
    follows(server, message)
    if (message.type === "SERVER_LEAVING") servers.delete(sender.id)
  }

  const unheardOf = ({ from, list }: Message.Of<"MEMBERS">): ReadonlyArray<NodeId> =>
    list.flatMap(({ heard, id }) => {
      const interval = servers.get(id)?.interval ?? Duration.toMillis(settings.heartbeatInterval)
      return id !== from.id && heard > 2 * interval ? [id] : []
    })

  const onMembers = Effect.fnUntraced(function*(
    { messenger }: Station,
    message: Message.Of<"MEMBERS">,
    from: Address
  ) {
    const question = questions.get(message.nonce)
    if (question === undefined) return
    for (const line of message.list) {
      const server = serverOf(line, line)
      if (server !== undefined && line.id !== message.from.id) server.listed = true
    }
    const answering = servers.get(message.from.id)
    if (answering !== undefined) {
      answering.last = now()
      answering.answered = stamp(answering.answered)
      follows(answering, message)
      if (message.page === 0) answering.unheard = unheardOf(message)
      spoke(answering, message.from.incarnation, from)
    }
    if (question._tag === "Seed") {
      const seed = seeds.get(question.seed)
      if (seed !== undefined) seed.answered = stamp(seed.answered)
    }
    if (question._tag === "Direct") return
    // Who follows another heard the question on this host: that says nothing of whether it reached the leader.
    if (question._tag === "Group" && (message.leader === null || message.leader.id === message.from.id)) {
      answeredBy.add(message.from.id)
      answered = Math.max(answered, question.round)
      lastAnswer = now()
    }
    const next = message.page + 1
    if (next >= Math.min(message.of, most.pages) || messenger === undefined) return
    yield* tried(messenger.send(from, { type: "MEMBERS_ASK", nonce: message.nonce, page: next }))
  })

  const onEcho = (nonce: string): void => {
    const question = questions.get(nonce)
    if (question?._tag !== "Group") return
    if (!question.echoed) question.station.echoed += 1
    question.echoed = true
    question.station.lastEcho = now()
  }

  /** A sealed echo is known by its session, and read no further: it is of what this station said last. */
  const onOwn = (station: Station): void => {
    station.sealed = Math.min(station.sent, station.sealed + 1)
    station.lastEcho = now()
  }

  const onStranger = ({ from, payload }: Datagrams.Received, reason: string): void => {
    const key = `${from.ip} ${reason}`
    const before = strangers.get(key)
    if (before === undefined && strangers.size >= most.strangers) return
    strangers.set(key, {
      ip: from.ip,
      reason,
      tag: reason === "OtherGroup" ? Frame.tagOf(payload) : null,
      datagrams: (before?.datagrams ?? 0) + 1,
      last: now()
    })
  }

  // --- The stations ---

  const tried = <A>(effect: Effect.Effect<A, Datagrams.DatagramsFailed | Messenger.MessageTooLarge>) =>
    Effect.matchEffect(effect, {
      onFailure: (error) =>
        Effect.sync(() => {
          if (error._tag === "DatagramsFailed") refuse(refusalOf(error))
        }),
      onSuccess: () => Effect.void
    })

  const openStation = Effect.fnUntraced(function*(station: Station) {
    const opening = yield* Scope.fork(scope)
    const multicastAddress = settings.multicastAddress.split(",")
      .filter((ip) => familyOf(ip) === familyOf(station.nic.address)).join(",")
    const options = { ...settings, multicastAddress, interfaces: [station.nic.address], unicastPort: 0 }
    const opened = yield* datagrams.open(options).pipe(Scope.provide(opening), Effect.result)
    if (opened._tag === "Failure") {
      yield* Scope.close(opening, Exit.void)
      station.refusal = refusalOf(opened.failure)
      return
    }
    const endpoint = opened.success
    station.refusal = null
    station.endpoint = endpoint
    // One datagram at a time, so that each that is dropped is known by its source. On some systems a group socket hears
    // what arrives on any interface: strangers are counted where they belong, or else at the first station.
    const waiting: Array<Datagrams.Received> = []
    let current: Datagrams.Received | undefined
    const messenger = yield* Messenger.make(
      {
        ...endpoint,
        receive: Effect.suspend(() => {
          current = waiting.shift()
          if (current !== undefined) return Effect.succeed([current])
          return Effect.map(endpoint.receive, (some) => {
            waiting.push(...some)
            return []
          })
        })
      },
      tag,
      (reason) => {
        if (current === undefined) return
        if (reason === "Own") return onOwn(station)
        if (!isCounted(reason)) return
        const { from } = current
        const first = [...stations.values()].find(({ endpoint }) => endpoint?.isDirect(from.ip)) ??
          [...stations.values()][0]
        if (first === station) onStranger(current, reason)
      },
      (ip) => Networks.hold(networks, ip) || [...seeds.values()].some(({ names }) => names.holds(ip)),
      keys
    )
    station.messenger = messenger
    const listen = Effect.flatMap(
      messenger.receive,
      Effect.forEach(({ from, message, via }) => {
        if (message.type === "MEMBERS_ASK") return Effect.sync(() => onEcho(message.nonce))
        if (message.type === "MEMBERS") return onMembers(station, message, from)
        return Effect.sync(() => "sender" in message && onServer(message, from, via))
      }, { discard: true })
    )
    const troubles = Effect.map(endpoint.troubles, (trouble) => {
      // Only news; and what another host's kernel says of a port there is no fault of this one.
      if (trouble.kind !== "NetworkChanged" && trouble.kind !== "ConnectionRefused") refuse(refusalOf(trouble))
    })
    yield* Scope.provide(supervisor.keep("listener", Effect.forever(listen)), opening)
    yield* Scope.provide(supervisor.keep("troubles", Effect.forever(troubles)), opening)
  })

  /** What the system said last; where it says nothing now, that is no news of its interfaces. */
  let here: System = systemOf([])
  const explained = Effect.map(
    Effect.matchEager(interfaces.scan, {
      onFailure: (error) => refuse(refusalOf(error)),
      onSuccess: (system) => {
        here = system
      }
    }),
    () =>
      InterfaceChoice.explain({ system: here, named: settings.interfaces, multicastAddress: settings.multicastAddress })
  )

  const round = Effect.gen(function*() {
    for (const { chosen, primary: _, why: __, ...nic } of yield* explained) {
      if (chosen && !stations.has(nic.address)) {
        stations.set(nic.address, {
          nic,
          refusal: null,
          messenger: undefined,
          endpoint: undefined,
          sent: 0,
          echoed: 0,
          sealed: 0,
          lastSent: null,
          lastEcho: null
        })
      }
    }
    if (settings.multicast) asked += 1
    for (const station of stations.values()) {
      // What was refused at first is tried again every few seconds only: it costs sockets.
      if (station.messenger === undefined && rounds % 4 === 0) yield* openStation(station)
      if (station.messenger === undefined || !settings.multicast) continue
      const nonce = ask({ _tag: "Group", station, round: asked, echoed: false })
      station.sent += 1
      station.lastSent = now()
      yield* tried(station.messenger.send(null, { type: "MEMBERS_ASK", nonce, page: 0 }))
    }
    const open = [...stations.values()].filter(({ messenger }) => messenger !== undefined)
    // The next few of all, in turns.
    for (const seed of open.length === 0 ? [] : settings.seeds) {
      const known = seeds.get(seed)
      // As servers do: a name that has not answered is looked up again.
      const isFresh = known !== undefined && (known.answered !== null || rounds % 8 !== 0)
      const names = isFresh ? known.names : yield* Scope.provide(
        Seeds.make({ ...settings, seeds: [seed] }, { resolve: (host) => resolveBy(open, host) }),
        scope
      )
      const seeded: Seeded = { seed, names, asked: (known?.asked ?? 0) + 1, answered: known?.answered ?? null }
      seeds.set(seed, seeded)
      for (const to of names.addresses()) {
        const way = wayTo(open, to.ip)
        if (way?.messenger === undefined) continue
        const nonce = ask({ _tag: "Seed", seed })
        yield* tried(way.messenger.send(to, { type: "MEMBERS_ASK", nonce, page: 0 }))
      }
    }
    for (const [id, { interval, last }] of servers) {
      // As a member would be, by those who watch it: gone.
      if (now() - last > 3 * Math.max(interval ?? 0, Duration.toMillis(settings.heartbeatInterval))) servers.delete(id)
    }
    const all = [...servers.values()]
    const start = all.length <= most.directs ? 0 : (rounds * most.directs) % all.length
    for (const server of [...all.slice(start), ...all.slice(0, start)].slice(0, most.directs)) {
      const way = wayTo(open, server.at.ip)
      if (way?.messenger === undefined) continue
      server.asked += 1
      const nonce = ask({ _tag: "Direct", id: server.id })
      yield* tried(way.messenger.send(server.at, { type: "MEMBERS_ASK", nonce, page: 0 }))
    }
    rounds += 1
  })

  const rounding = Effect.gen(function*() {
    while (true) {
      yield* round
      yield* Effect.sleep(rounds <= 3 ? 250 : now() < 30_000 ? 1_000 : 5_000)
    }
  })
  yield* supervisor.keep("questions", rounding)

  // --- What it adds up to ---

  const socketsOn = Effect.fnUntraced(function*(port: number) {
    const sockets = yield* kernel.udpSockets(port)
    return Option.map(
      sockets,
      (some) =>
        some.filter(({ own }) => !own).map(({ drops, ip, owner, uid }): Socket => ({ ip, port, uid, drops, owner }))
    )
  })

  // To find the owners of sockets is to look at every process: not each time that somebody asks.
  const sockets = yield* Effect.cachedWithTTL(
    Effect.gen(function*() {
      const group = yield* socketsOn(settings.port)
      const unicast = settings.unicastPort === 0 ? Option.some([]) : yield* socketsOn(settings.unicastPort)
      return Option.getOrNull(Option.zipWith(group, unicast, (some, others) => [...some, ...others]))
    }),
    "2 seconds"
  )

  const observations = Effect.gen(function*() {
    const system = yield* explained
    // A server says its address without the zone.
    const own = new Set(system.map(({ address }) => Zone.without(address)))
    const shown: Array<Server> = []
    for (const { at: _, last: __, ...server } of servers.values()) shown.push({ ...server, local: own.has(server.ip) })
    const resolved = [...seeds.values()].map(({ answered, asked, names, seed }): Seed => ({
      seed,
      addresses: names.addresses().map(formatAddress),
      asked,
      answered
    }))
    const seen: Observations = {
      at,
      lasted: now(),
      group: settings.group,
      tag: bytesToHex(tag),
      multicastAddress: settings.multicastAddress,
      port: settings.port,
      ttl: settings.ttl,
      multicast: settings.multicast,
      seeds: resolved,
      unicastPort: settings.unicastPort,
      heartbeatInterval: Math.round(Duration.toMillis(settings.heartbeatInterval)),
      exposedKeyFile: keys.exposure(),
      interfaces: system.map(({ address, chosen, internal, name, primary, why }): Interface => {
        const { echoed = 0, lastEcho = null, lastSent = null, refusal = null, sealed = 0, sent = 0 } =
          stations.get(address) ?? {}
        return {
          name,
          address,
          internal,
          chosen,
          primary,
          why,
          refusal,
          sent,
          echoed: Math.max(echoed, sealed),
          lastSent,
          lastEcho
        }
      }),
      servers: shown,
      strangers: [...strangers.values()],
      refusals: [...refusals.values()],
      questions: { asked, unanswered: asked - answered, lastAnswer, answeredBy: [...answeredBy] },
      sockets: yield* sockets,
      receiveBuffer: {
        wanted: Kernel.receiveBufferWanted,
        limit: Option.getOrNull(yield* kernel.receiveBufferLimit)
      }
    }
    return seen
  })

  return { observations, failed: supervisor.failed }
})

// internal

/** The station from which an address is spoken to: each has one family, though its interface has networks of both. */
const wayTo = (open: ReadonlyArray<Station>, ip: string): Station | undefined => {
  const able = open.filter(({ nic }) => familyOf(nic.address) === familyOf(ip))
  return able.find(({ endpoint }) => endpoint?.isDirect(ip)) ?? able[0]
}

/** The addresses of a name in all families that there are stations of. */
const resolveBy = Effect.fnUntraced(function*(open: ReadonlyArray<Station>, host: string) {
  const found: Array<string> = []
  let failed: Datagrams.DatagramsFailed | undefined
  for (const family of new Set(open.map(({ nic }) => familyOf(nic.address)))) {
    const endpoint = open.find(({ nic }) => familyOf(nic.address) === family)?.endpoint
    const resolved = endpoint === undefined ? undefined : yield* Effect.result(endpoint.resolve(host))
    if (resolved?._tag === "Success") found.push(...resolved.success)
    else failed = resolved?.failure
  }
  return found.length === 0 && failed !== undefined ? yield* failed : found
})

// What we would send or have sent ourselves is nobody else's doing, and what comes twice is no news.
const isCounted = (reason: string): boolean =>
  !["TooManyAnswers", "NotDirect", "SendFailed", "Own", "Repeated"].includes(reason)

const refusalOf = ({ code, during, kind, where }: Datagrams.DatagramsFailed): Refusal => ({
  during,
  kind,
  where,
  errno: code ?? null
})
