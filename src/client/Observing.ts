/**
 * The role of an observer: it hears a group and asks its servers, and is no member, candidate or client. It says nothing but
 * `MEMBERS_ASK`, so no view changes by it, and servers of every version answer it. `Asking` decides when it asks, and whom.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as MutableRef from "effect/MutableRef"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as Drops from "../engine/Drops.ts"
import * as Supervisor from "../engine/Supervisor.ts"
import type * as Event from "../protocol/model/Event.ts"
import { type Address, formatAddress } from "../protocol/model/Member.ts"
import * as Frame from "../protocol/wire/Frame.ts"
import * as Keys from "../server/Keys.ts"
import * as ListReading from "../server/ListReading.ts"
import * as Seeds from "../server/Seeds.ts"
import type { SettingRefused } from "../settings/SettingRefused.ts"
import * as Datagrams from "../transport/Datagrams.ts"
import * as Messenger from "../transport/Messenger.ts"
import type * as Volume from "../transport/Volume.ts"
import * as Asked from "./Asked.ts"
import * as Asking from "./Asking.ts"
import * as Freshness from "./Freshness.ts"
import type * as Inquiry from "./Inquiry.ts"
import * as Learning from "./Learning.ts"
import * as Observation from "./Observation.ts"

/** An observer that runs until its scope closes. */
export interface Observing {
  readonly observation: () => Observation.Observation
  readonly now: () => Observation.Now
  /** How it asks, to be told where nobody answers. */
  readonly asked: Asked.Asked
  readonly useKeys: Keys.UseKeys
  readonly volume: Readonly<Volume.Volume>
  readonly dropped: Drops.Drops["counts"]
  readonly supervisor: Supervisor.Supervisor
}

/** How long an answer may take. */
const patience = Duration.seconds(2)
/** For how long a session is believed at least: as long as a member of the slowest usual profile may be silent. */
const freshFor = 30_000
/** How many answers wait to be read; the oldest go first. */
const answersKept = 256

/** The settings of an observer. Without multicast it asks once in `heartbeatInterval`. */
export type Settings = Inquiry.Questioned

/** Is told of each step: its events, also where there are none, and what was known before it. It must not wait. */
export type Changed = (
  events: ReadonlyArray<Event.Event>,
  after: Observation.Observation,
  before: Observation.Observation
) => void

/** What an observer has while it runs. `learn` takes a step, and wakes the questions where it leaves doubts. */
interface Running {
  readonly settings: Settings
  readonly manner: Asking.Manner
  readonly note: Freshness.Following["hear"]
  readonly messenger: Messenger.Messenger
  readonly seeds: Seeds.Seeds
  readonly answers: Queue.Queue<Messenger.Received>
  readonly wake: Queue.Queue<void>
  readonly now: Observing["now"]
  readonly observation: Observing["observation"]
  readonly learn: (step: (before: Observation.Observation, now: Observation.Now) => Learning.Result) => void
}

/** The sockets, and who speaks by them. */
const open = Effect.fnUntraced(function*(settings: Settings, keys: Keys.Keys, drops: Drops.Drops) {
  const { group, interfaces, multicast, multicastAddress, port, ttl } = settings
  // The fixed port of a server on this host stays the server's.
  const options = { multicastAddress, port, ttl, interfaces, multicast, unicastPort: 0 }
  const endpoint = yield* (yield* Datagrams.Datagrams).open(options)
  const seeds = yield* Seeds.make(settings, endpoint)
  const messenger = yield* Messenger.make(endpoint, Frame.groupTag(group), drops.count, seeds.holds, keys)
  return { endpoint, seeds, messenger }
})

/** Hears what comes next. Answers are for who asked. */
const hear = ({ answers, learn, messenger, note }: Running) =>
  Effect.map(messenger.receive, (received) => {
    for (const one of received) {
      note(one.message)
      if (one.message.type === "MEMBERS") Queue.offerUnsafe(answers, one)
      else learn((before, now) => Learning.heard(before, one.message, one.from, one.via, now))
    }
  })

/** What came of a question: where the answer came from, undefined where there was none, and whether it said enough. */
interface Outcome extends Pick<Asking.Asked, "at" | "pages"> {
  readonly from: Address | undefined
  readonly isEnough: boolean
}

/** Asks one question, with the digest of who is known or without. */
const ask = Effect.fnUntraced(function*(
  { answers, learn, messenger, now, observation, seeds, settings: { multicast } }: Running,
  { first, isShort }: { readonly first: Address | undefined; readonly isShort: boolean }
): Effect.fn.Return<Outcome> {
  const at = now().monotonic
  let digest: number | undefined
  let times = 0
  let read: ListReading.Reading | undefined
  const reads = ListReading.read({
    messenger: { ...messenger, receive: Queue.takeAll(answers) },
    everybody: () => Asking.placesAt(observation(), { multicast, seeds: seeds.addresses(), first }, times++),
    mayAnswer: () => true,
    timeout: Duration.toMillis(patience),
    digest: () => digest = isShort ? observation().digest : undefined,
    isEnough: ListReading.isWhole,
    onRead: (reading) => {
      read = reading
    }
  })
  const isDone = Option.isSome(yield* Effect.timeoutOption(reads, patience))
  // The address of a seed may have changed.
  if (!isDone) yield* seeds.resolve
  const pages = read?.of ?? 1
  if (!isDone || read === undefined) return { at, pages, from: undefined, isEnough: true }
  const answer = Asking.answerOf(read, at, digest, observation())
  if (answer !== null) learn((before, now) => Learning.answered(before, answer, now))
  return { at, pages, from: read.from, isEnough: answer !== null }
})

/** Asks whenever a question is due. */
const questions = Effect.fnUntraced(function*(running: Running) {
  const { manner, now, observation, settings, wake } = running
  let first: Address | undefined
  let times = 0
  let inVain = 0
  let isShort = true
  while (true) {
    const { at, from, isEnough, pages }: Outcome = yield* ask(running, { first, isShort })
    first = from ?? first
    if (!isEnough) {
      isShort = false
      continue
    }
    times += 1
    isShort = settings.multicast || times % Asking.wholeEvery !== 0
    inVain = from !== undefined && observation().differsAt === null ? 0 : inVain + 1
    const asked = { at, pages, inVain, share: yield* Random.next }
    while (true) {
      const left = Asking.dueAt(observation(), asked, manner) - now().monotonic
      if (left <= 0) break
      yield* Effect.timeoutOption(Queue.take(wake), Math.ceil(left))
    }
  }
})

/** Whether after this a question may be due sooner. */
const hastens = (before: Observation.Observation, after: Observation.Observation): boolean =>
  (after.differsAt !== null && before.differsAt === null) || (after.isDoubtful && !before.isDoubtful)
  || before.heardAt === -Infinity

/** Waits for datagrams of senders with other keys, and tells of them. */
const strangers = ({ strangers }: Keys.Keys, { wall }: Observation.Now) =>
  Effect.map(strangers, (seen) =>
    seen.map(({ count, from, problem }): Event.Event => ({
      at: wall,
      event: "WrongKey",
      problem,
      from: formatAddress(from),
      count
    })))

/** Changes of the keys go to the log: there is no event of a server here. */
const followKeys = (keys: Keys.Keys, settings: Settings, supervisor: Supervisor.Supervisor) => {
  const refused = (why: string) => Effect.logWarning(`the keys stay as they were: ${why}`)
  return Keys.follow(keys, settings, supervisor, () => Effect.void, refused, Keys.warnOfExposure)
}

/** Starts the loops. */
const run = Effect.fnUntraced(
  function*(running: Running, tell: (events: ReadonlyArray<Event.Event>) => void, keys: Keys.Keys) {
    const { now, settings } = running
    const supervisor = yield* Supervisor.make((fiber, cause, deaths) =>
      Effect.sync(() => tell([{ at: now().wall, event: "FiberDied", fiber, cause, deaths }]))
    )
    yield* supervisor.keep("hearing", Effect.forever(hear(running)))
    yield* supervisor.keep("questions", questions(running))
    const strange = Effect.map(Effect.suspend(() => strangers(keys, now())), tell)
    yield* supervisor.keep("strangers", Effect.forever(Effect.andThen(strange, Effect.sleep("10 seconds"))))
    const useKeys = yield* followKeys(keys, settings, supervisor)
    return { supervisor, useKeys }
  }
)

/** Observes a group until the scope closes. One that is `inHurry` asks at each sign that something will change. */
export const make = Effect.fnUntraced(function*(
  settings: Settings,
  changed: Changed,
  { inHurry = false }: { readonly inHurry?: boolean } = {}
): Effect.fn.Return<Observing, SettingRefused | Datagrams.DatagramsFailed, Datagrams.Datagrams | Scope.Scope> {
  const clock = yield* Clock.Clock
  const now = (): Observation.Now => ({
    monotonic: Number(clock.monotonicTimeNanosUnsafe()) / 1e6,
    wall: clock.currentTimeMillisUnsafe()
  })
  const { hear: note, keys } = yield* Freshness.following(yield* Keys.make(settings, freshFor), freshFor)
  const { heartbeatInterval, multicast, seeds } = settings
  const drops = Drops.make()
  const { endpoint, ...opened } = yield* open(settings, keys, drops)
  const wake = yield* Queue.sliding<void>(1)
  const current = MutableRef.make(Observation.make(now()))
  const running: Running = {
    ...opened,
    settings,
    manner: Asking.manner(multicast, seeds.length, Duration.toMillis(heartbeatInterval), inHurry),
    note,
    answers: yield* Queue.sliding<Messenger.Received>(answersKept),
    wake,
    now,
    observation: () => current.current,
    learn: (step) => {
      const before = current.current
      const [after, events] = step(before, now())
      MutableRef.set(current, after)
      changed(events, after, before)
      if (hastens(before, after)) Queue.offerUnsafe(wake, undefined)
    }
  }
  const { supervisor, useKeys } = yield* run(
    running,
    (events) => changed(events, current.current, current.current),
    keys
  )
  return {
    observation: running.observation,
    now,
    asked: Asked.asked(settings, endpoint, patience),
    useKeys,
    volume: opened.messenger.volume,
    dropped: Drops.withEndpoint(drops, endpoint),
    supervisor
  }
})
