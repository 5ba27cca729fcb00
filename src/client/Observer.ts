/**
 * The role of an observer: it hears a group and asks its servers, and is no member, candidate or client. It says nothing but
 * `MEMBERS_ASK`, so no view changes by it, and servers of every version answer it. Where there is no multicast, it asks alone.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as MutableRef from "effect/MutableRef"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import type { GroupFailed } from "../engine/GroupFailed.ts"
import * as Supervisor from "../engine/Supervisor.ts"
import type * as Event from "../protocol/model/Event.ts"
import { formatAddress } from "../protocol/model/Member.ts"
import * as Frame from "../protocol/wire/Frame.ts"
import * as Keys from "../server/Keys.ts"
import * as ListReading from "../server/ListReading.ts"
import * as Seeds from "../server/Seeds.ts"
import type { SettingRefused } from "../settings/SettingRefused.ts"
import * as Datagrams from "../transport/Datagrams.ts"
import * as Messenger from "../transport/Messenger.ts"
import * as Asked from "./Asked.ts"
import * as Freshness from "./Freshness.ts"
import type * as Inquiry from "./Inquiry.ts"
import * as Observation from "./Observation.ts"

/** An observer that runs until its scope closes. */
export interface Observer {
  readonly observation: () => Observation.Observation
  readonly now: () => Observation.Now
  /** How it asks, to be told where nobody answers. */
  readonly asked: Asked.Asked
  /** Fails when a fiber of it has died too often. */
  readonly failed: Effect.Effect<never, GroupFailed>
}

/** How long an answer may take. */
const patience = Duration.seconds(2)
/** The shortest time between two questions, and how often it is looked whether one is due. */
const soonest = 500
const look = "250 millis"
/** How often it asks in any case, in ms, and so much more for each page: with multicast most is heard unasked. */
const everyWithMulticast = 5_000
const everyAlone = 1_000
const everyPage = 200
/** For how long a session is believed at least: as long as a member of the slowest usual profile may be silent. */
const freshFor = 30_000
/** How many answers wait to be read; the oldest go first. */
const answersKept = 256

/** Whether a list should be asked for now. */
const isDue = (
  observation: Observation.Observation,
  askedAt: number,
  every: number,
  monotonic: number
): boolean => {
  const since = monotonic - askedAt
  if (since < soonest) return false
  return since >= every || observation.isDoubtful || Observation.isOverdue(observation, monotonic)
}

/** Is told the events of each step, also where there are none, and what is known after it. It must not wait. */
export type Changed = (events: ReadonlyArray<Event.Event>, observation: Observation.Observation) => void

/** What an observer has while it runs. `learn` takes a step, and wakes the questions where it leaves doubts. */
interface Running {
  readonly settings: Inquiry.Questioned
  readonly note: Freshness.Following["hear"]
  readonly messenger: Messenger.Messenger
  readonly seeds: Seeds.Seeds
  readonly answers: Queue.Queue<Messenger.Received>
  readonly wake: Queue.Queue<void>
  readonly now: Observer["now"]
  readonly observation: Observer["observation"]
  readonly learn: (step: (before: Observation.Observation, now: Observation.Now) => Observation.Result) => void
}

/** The sockets, and who speaks by them. */
const open = Effect.fnUntraced(function*(settings: Inquiry.Questioned, keys: Keys.Keys) {
  const { group, interfaces, multicast, multicastAddress, port, ttl } = settings
  // The fixed port of a server on this host stays the server's.
  const options = { multicastAddress, port, ttl, interfaces, multicast, unicastPort: 0 }
  const endpoint = yield* (yield* Datagrams.Datagrams).open(options)
  const seeds = yield* Seeds.make(settings, endpoint)
  const messenger = yield* Messenger.make(endpoint, Frame.groupTag(group), () => {}, seeds.holds, keys)
  return { endpoint, seeds, messenger }
})

/** Hears what comes next. Answers are for who asked. */
const hear = ({ answers, learn, messenger, note }: Running) =>
  Effect.map(messenger.receive, (received) => {
    for (const one of received) {
      note(one.message)
      if (one.message.type === "MEMBERS") Queue.offerUnsafe(answers, one)
      else learn((before, now) => Observation.heard(before, one.message, one.from, one.via, now))
    }
  })

/** Asks for a list once, and waits until the next one is due. */
const ask = Effect.fnUntraced(
  function*({ answers, learn, messenger, now, observation, seeds, settings, wake }: Running) {
    const { multicast } = settings
    const askedAt = now().monotonic
    let pages = 1
    const read = ListReading.read({
      messenger: { ...messenger, receive: Queue.takeAll(answers) },
      everybody: () => [...multicast ? [null] : [], ...seeds.addresses()],
      mayAnswer: () => true,
      timeout: Duration.toMillis(patience),
      isEnough: ListReading.isWhole,
      onRead: (reading) => {
        pages = reading.of
        if (!ListReading.isWhole(reading)) return
        const { by, leader, lines, term } = reading
        const members = [...lines.values()]
        learn((before, now) => Observation.answered(before, { by, leader, term, askedAt, members }, now))
      }
    })
    const done = yield* Effect.timeoutOption(read, patience)
    // The address of a seed may have changed.
    if (Option.isNone(done)) yield* seeds.resolve
    const every = (multicast ? everyWithMulticast : everyAlone) + pages * everyPage
    while (!isDue(observation(), askedAt, every, now().monotonic)) {
      yield* Effect.timeoutOption(Queue.take(wake), look)
      if (now().monotonic - askedAt < soonest) yield* Effect.sleep(soonest)
    }
  }
)

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

/** Observes a group. A file of keys is read once. */
export const make = Effect.fnUntraced(function*(
  settings: Inquiry.Questioned,
  changed: Changed
): Effect.fn.Return<
  Observer,
  SettingRefused | Datagrams.DatagramsFailed,
  Datagrams.Datagrams | Scope.Scope
> {
  const clock = yield* Clock.Clock
  const now = (): Observation.Now => ({
    monotonic: Number(clock.monotonicTimeNanosUnsafe()) / 1e6,
    wall: clock.currentTimeMillisUnsafe()
  })
  const { hear: note, keys } = yield* Freshness.following(yield* Keys.make(settings, freshFor), freshFor)
  const { endpoint, ...opened } = yield* open(settings, keys)
  const wake = yield* Queue.sliding<void>(1)
  const current = MutableRef.make(Observation.make(now()))
  const running: Running = {
    ...opened,
    settings,
    note,
    answers: yield* Queue.sliding<Messenger.Received>(answersKept),
    wake,
    now,
    observation: () => current.current,
    learn: (step) => {
      const [after, events] = step(current.current, now())
      MutableRef.set(current, after)
      changed(events, after)
      if (after.isDoubtful) Queue.offerUnsafe(wake, undefined)
    }
  }
  const supervisor = yield* Supervisor.make((fiber, cause, deaths) =>
    Effect.sync(() => changed([{ at: now().wall, event: "FiberDied", fiber, cause, deaths }], current.current))
  )
  yield* supervisor.keep("hearing", Effect.forever(hear(running)))
  yield* supervisor.keep("questions", Effect.forever(Effect.suspend(() => ask(running))))
  const tell = Effect.map(Effect.suspend(() => strangers(keys, now())), (events) => changed(events, current.current))
  yield* supervisor.keep("strangers", Effect.forever(Effect.andThen(tell, Effect.sleep("10 seconds"))))
  const { observation } = running
  return { observation, now, asked: Asked.asked(settings, endpoint, patience), failed: supervisor.failed }
})
