/**
 * Crash links over the TCP sockets of Node. All of it is bounded: the links that are accepted and those that are opened, the
 * connections that have still to say who they are, and how long they may take.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import type { Address } from "../../protocol/model/Member.ts"
import type { LinkPeer } from "../../protocol/model/Output.ts"
import type * as CrashLinks from "../CrashLinks.ts"
import type { DatagramsFailed } from "../Datagrams.ts"
import * as LinkHandshake from "../LinkHandshake.ts"
import * as LinkAccepting from "./LinkAccepting.ts"
import * as LinkDialling from "./LinkDialling.ts"
import * as LinkListener from "./LinkListener.ts"
import * as LinkStarts from "./LinkStarts.ts"
import * as Runtime from "./Runtime.ts"
import * as SystemError from "./SystemError.ts"

/** What the links take from the endpoint that they belong to. */
export interface Around {
  /** Where to listen: one address of each family. */
  readonly hosts: ReadonlyArray<string>
  /** The port to listen at if nobody has it. */
  readonly port: number
  readonly source: LinkDialling.Dialling["source"]
  /** An address of ours. */
  readonly own: () => string
  /** Asks whether a UDP port is refused. */
  readonly ask: (to: Address) => Effect.Effect<unknown, DatagramsFailed>
  readonly random: (bytes: number) => Uint8Array
  readonly report: (failed: DatagramsFailed) => void
}

/** Opens the links of one server. Never fails: where nothing can be listened to, its port is null. */
export const open = (around: Around): CrashLinks.Open =>
  Effect.fnUntraced(function*(options: CrashLinks.Options) {
    const clock = yield* Clock.Clock
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    const happened = yield* Queue.sliding<CrashLinks.Happening>(mostHappened)
    const fibers = yield* makeFibers
    let port: number | null = null
    const unable = reporter(around.report, now)
    const links = make({
      ...around,
      options,
      fibers,
      now,
      unable,
      tell: (happening) => void Queue.offerUnsafe(happened, happening),
      ownPort: () => port ?? 0
    })
    if (!Runtime.hearsRefusals) yield* deaf
    port = yield* LinkListener.open(around, links.take, unable)
    yield* Effect.addFinalizer(() => Effect.sync(links.goodbye))
    return { ...links, port, happened: Queue.takeAll(happened) }
  })

// internal

/** A crash is taken for one where the host refuses both ports of the one that is gone. */
const deaf = Effect.logWarning(
  `${Runtime.other} does not tell this server that a port refuses: it knows a crash when the member has been silent for memberTimeout, or when others know it`
)

// Bounded by those that are up, as long as somebody reads.
const mostHappened = 1_024
const mostKept = 64
const mostTries = 64
// In ms.
const reportEvery = 60_000
const flapping = 1_000
const rehearsalAfter = Duration.seconds(1)
// As often as V8 wants it before it makes quick code.
const rehearsals = 10
const rehearsalPace = Duration.millis(20)

/** Fibers by name, which end with the scope. */
interface Fibers {
  readonly run: (name: string, effect: Effect.Effect<unknown>) => void
  readonly has: (name: string) => boolean
  readonly end: (name: string) => void
}

const makeFibers = Effect.gen(function*() {
  const map = yield* FiberMap.make<string>()
  const run = yield* FiberMap.runtime(map)()
  const fibers: Fibers = {
    run: (name, effect) => void run(name, effect),
    has: (name) => FiberMap.hasUnsafe(map, name),
    end: (name) => Option.map(FiberMap.getUnsafe(map, name), (fiber) => fiber.interruptUnsafe())
  }
  return fibers
})

/** What is wrong with our own system is told once a minute at most: a try may come every few milliseconds. */
const reporter = (report: Around["report"], now: () => number) => {
  let reportedAt = -Infinity
  return (cause: unknown): void => {
    if (now() - reportedAt < reportEvery) return
    reportedAt = now()
    report(SystemError.failedBy("open", "the links between members", cause))
  }
}

interface Parts extends Around {
  readonly options: CrashLinks.Options
  readonly fibers: Fibers
  readonly now: () => number
  readonly unable: (cause: unknown) => void
  readonly tell: (happening: CrashLinks.Happening) => void
  /** The port that is listened to; 0 for none. */
  readonly ownPort: () => number
}

const make = (parts: Parts) => {
  const { fibers, options, random, source, tell, unable } = parts
  let isRehearsed = false
  const ours = (admits: LinkHandshake.Ours["admits"]): LinkHandshake.Ours => ({
    self: { id: options.self.id, incarnation: options.self.incarnation(), port: parts.ownPort() },
    tag: options.tag,
    nonce: random(LinkHandshake.nonceBytes),
    admits,
    proofs: options.proofs
  })
  const starts: LinkStarts.Starts = LinkStarts.make({
    isKept: (peer) => keeping.has(peer),
    up: (peer) => {
      if (!isRehearsed) fibers.run("rehearsal", Effect.delay(rehearsal(parts, dialling), rehearsalAfter))
      isRehearsed = true
      tell(LinkStarts.happening("LinkUp", peer))
      retrying.up(peer)
    },
    left: (peer) => tell(LinkStarts.happening("LinkLeft", peer)),
    broke: (peer) => {
      tell(LinkStarts.happening("LinkBroke", peer))
      retrying.broke(peer)
    }
  })
  const dialling: LinkDialling.Dialling = { starts, source, ours, unable }
  const retrying = retries(parts, dialling)
  const keeping = kept(parts, dialling)
  let accepted = 0
  const accepting = LinkAccepting.make({
    starts,
    accepts: options.accepts,
    ours,
    run: (effect) => fibers.run(`accepted ${accepted++}`, effect)
  })
  let isOver = false
  return {
    take: (socket: Parameters<typeof accepting.take>[0]) => isOver ? void socket.destroy() : accepting.take(socket),
    keep: (peers: ReadonlyArray<LinkPeer>) => keeping.keep(isOver ? [] : peers),
    tryOut: retrying.tryOut,
    goodbye: () => {
      isOver = true
      keeping.keep([])
      accepting.close()
      for (const link of starts.all()) starts.leave(link)
    }
  }
}

/**
 * What is run when a link breaks is run once before, against a port of ours that is closed: a program that runs for the first
 * time takes milliseconds to be compiled, several times as long as all else that a crash takes.
 */
const rehearsal = ({ ask, own, options }: Parts, dialling: LinkDialling.Dialling) =>
  Effect.gen(function*() {
    const ip = own()
    const port = yield* Effect.scoped(
      LinkListener.open({ hosts: [ip], port: 0 }, (socket) => socket.destroy(), () => {})
    )
    if (port === null) return
    const address = { ip, port }
    const refused = Effect.andThen(
      LinkDialling.again(dialling, { id: options.self.id, incarnation: 0, address }),
      ask(address)
    )
    yield* Effect.repeat(refused, { times: rehearsals - 1, schedule: Schedule.spaced(rehearsalPace) })
  }).pipe(Effect.ignore)

/** Keeps links open to those that it was told last, and closes the others that this side opened. */
const kept = ({ fibers, options }: Parts, dialling: LinkDialling.Dialling) => {
  const { starts } = dialling
  const peers = new Map<string, { readonly peer: LinkPeer; readonly own: number }>()
  const keep = (wanted: ReadonlyArray<LinkPeer>): void => {
    const own = options.self.incarnation()
    const next = new Map(wanted.slice(0, mostKept).map((peer) => [peer.id, peer]))
    for (const [id, { own: before, peer }] of peers) {
      const now = next.get(peer.id)
      if (now !== undefined && before === own && LinkStarts.isSamePlace(peer, now)) continue
      peers.delete(id)
      fibers.end(`keep ${id}`)
    }
    for (const link of starts.all()) {
      // One that was opened when it broke is kept like any other.
      if (link.opened && !peers.has(link.peer.id)) starts.leave(link)
    }
    for (const [id, peer] of next) {
      if (peers.has(id)) continue
      peers.set(id, { peer, own })
      fibers.run(`keep ${id}`, LinkDialling.keep(dialling, peer))
    }
  }
  return { keep, has: ({ id }: LinkPeer) => peers.has(id) }
}

/** Tries again those that broke, and tries out others; so many at once. */
const retries = ({ fibers, now, tell }: Parts, dialling: LinkDialling.Dialling) => {
  /** When those were up again that had broken: one that breaks again at once is not tried without end. */
  const upAgain = new Map<string, number>()
  let tries = 0
  const told = ({ id, incarnation }: LinkPeer, outcome: "Refused" | "Inconclusive") =>
    tell({ _tag: "LinkTried", id, incarnation, outcome })
  const attempt = (name: string, peer: LinkPeer, trying: Effect.Effect<"Refused" | "Inconclusive">): void => {
    if (fibers.has(name)) return
    if (tries >= mostTries) return told(peer, "Inconclusive")
    tries += 1
    let outcome: "Refused" | "Inconclusive" = "Inconclusive"
    const noted = Effect.tap(trying, (one) =>
      Effect.sync(() => {
        outcome = one
      }))
    fibers.run(
      name,
      Effect.ensuring(
        noted,
        Effect.sync(() => {
          tries -= 1
          told(peer, outcome)
        })
      )
    )
  }
  const nameOf = (peer: LinkPeer) => `again ${LinkStarts.keyOf(peer)}`
  return {
    broke: (peer: LinkPeer): void => {
      const key = LinkStarts.keyOf(peer)
      if (now() - (upAgain.get(key) ?? -Infinity) < flapping) return told(peer, "Inconclusive")
      attempt(nameOf(peer), peer, LinkDialling.again(dialling, peer))
    },
    /** A link to that start is up, opened by either side: what is under way has its answer. */
    up: (peer: LinkPeer): void => {
      if (!fibers.has(nameOf(peer))) return
      if (upAgain.size >= mostTries) upAgain.clear()
      upAgain.set(LinkStarts.keyOf(peer), now())
      fibers.end(nameOf(peer))
    },
    tryOut: (peer: LinkPeer): void =>
      attempt(`out ${LinkStarts.keyOf(peer)}`, peer, LinkDialling.tryOut(dialling, peer))
  }
}
