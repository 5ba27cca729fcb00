/**
 * Reads a list of members over the network, page by page, without being one: it asks ever more servers until one answers,
 * and goes on with that one.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type { Address, NodeId } from "../protocol/model/Member.ts"
import type * as Message from "../protocol/model/Message.ts"
import type * as Reign from "../protocol/model/Reign.ts"
import * as Timing from "../protocol/model/Timing.ts"
import * as Zone from "../protocol/model/Zone.ts"
import type * as Messenger from "../transport/Messenger.ts"

/**
 * As much of the list of one server (`by`, at `from`) as has been read: `read` of `of` pages, with its members by their ids.
 * `leader` and `term` are those of the last page.
 */
export interface Reading {
  readonly from: Address
  readonly by: NodeId
  readonly lines: ReadonlyMap<string, Message.Listed>
  readonly leader: Reign.Leader | null
  readonly term: number
  readonly view: number | undefined
  readonly read: number
  readonly of: number
}

interface Page {
  readonly message: Message.Of<"MEMBERS">
  readonly from: Address
}

const readOn = (before: Pick<Reading, "lines" | "read">, { from, message }: Page): Reading => ({
  from,
  by: message.from.id,
  lines: new Map([
    ...before.lines,
    ...message.list.map((line) => [line.id, Zone.placed(line, message.from, from)] as const)
  ]),
  leader: message.leader && Zone.placed(message.leader, message.from, from),
  term: message.term,
  view: message.view,
  read: before.read + 1,
  of: message.of
})

const unread: Pick<Reading, "lines" | "read"> = { lines: new Map(), read: 0 }

/** Whether all pages have been read. */
export const isWhole = ({ of, read }: Reading): boolean => read >= of

/** Whether the leader is known, and the list's line of it, if there is one. */
export const tellsOfLeader = (reading: Reading): boolean =>
  isWhole(reading) || reading.leader === null || reading.lines.has(reading.leader.id)

/** Whether a page is of another list than what was read: a member may be on neither. */
const isOfAnother = (reading: Reading, { message }: Page): boolean =>
  message.view !== reading.view || message.of !== reading.of

/**
 * How to ask. `everybody` are those to ask at first, null for the group, asked for anew each time; `mayAnswer` is whose answer counts. `timeout` (ms)
 * sets the pace, and ends nothing. `onRead` is called with each page. `digest` is that of the members which the asker knows: a server
 * that sees the same, or one more, answers with that alone.
 */
export interface Question {
  readonly messenger: Messenger.Messenger
  readonly everybody: () => ReadonlyArray<Address | null>
  readonly mayAnswer: (from: Address) => boolean
  readonly timeout: number
  readonly isEnough: (reading: Reading) => boolean
  readonly onRead: (reading: Reading) => void
  readonly digest?: () => number | undefined
}

const newNonce = Effect.map(
  Effect.all([Random.next, Random.next]),
  (numbers) => numbers.map((number) => Math.floor(number * 0x1_0000_0000).toString(16).padStart(8, "0")).join("")
)

/** How long to wait for an answer before the question is said again, in ms. */
const gapOf = ({ timeout }: Question): number => Math.min(150, timeout / 8)
/** How often a question is said so fast; then every second. */
const fastTries = 12

/** At first the leader alone is to answer, then about 4, 16 and 50 of all. */
const wantedAt = (time: number) => time === 0 ? {} : { wanted: Math.min(4 ** time, Timing.answersWanted) }

/** How often a page is asked for before the question begins anew: the server that answered may be gone. */
const pageTries = Timing.probeTries
/** How often a list is read anew since it changed meanwhile. One that changes all the time is taken as it comes. */
const changesMinded = 3
/** How many pages with details a server sends in half of that many ms: at first a burst, then 100 a second. */
const detailedPages = (timeout: number): number => 50 + timeout / 20

/** Reads until it is enough. It does not end by itself where nobody answers. */
export const read = Effect.fnUntraced(function*(question: Question) {
  const { isEnough, mayAnswer, onRead, timeout } = question
  let details = true
  let changes = 0
  while (true) {
    const nonce = yield* newNonce
    const about = { nonce, ...(details ? { details } : {}) }
    const view = question.digest?.()
    const known = view === undefined ? {} : { view }
    const first = yield* ask(question, question.everybody, { ...about, ...known, page: 0 }, mayAnswer)
    if (details && first.message.of > detailedPages(timeout)) {
      details = false
      continue
    }
    let reading = readOn(unread, first)
    onRead(reading)
    while (!isEnough(reading)) {
      const { from, read } = reading
      const next = yield* ask(
        question,
        () => [from],
        { ...about, page: read },
        (other) => other.ip === from.ip && other.port === from.port
      ).pipe(Effect.timeoutOption(pageTries * gapOf(question)))
      if (Option.isNone(next)) break
      if (isOfAnother(reading, next.value) && changes < changesMinded) {
        changes += 1
        break
      }
      reading = readOn(reading, next.value)
      onRead(reading)
    }
    if (isEnough(reading)) return
  }
})

/** Asks all of these for a page until it comes from a server that may answer. */
const ask = (
  question: Question,
  to: () => ReadonlyArray<Address | null>,
  about: Omit<Message.Of<"MEMBERS_ASK">, "type" | "wanted">,
  mayAnswer: (from: Address) => boolean
) => {
  const { messenger } = question
  const asking = Effect.gen(function*() {
    for (let time = 0;; time += 1) {
      for (const one of to()) {
        yield* Effect.catch(
          messenger.send(one, { type: "MEMBERS_ASK", ...about, ...wantedAt(time) }),
          // A network that is not there yet may come within the time-out.
          (error) => Effect.logDebug(error.message)
        )
      }
      yield* Effect.sleep(time < fastTries ? gapOf(question) : Math.max(gapOf(question), 1_000))
    }
  })
  return Effect.raceFirst(listen(messenger, about, mayAnswer), asking)
}

const listen = Effect.fnUntraced(function*(
  messenger: Messenger.Messenger,
  { nonce, page }: Pick<Message.Of<"MEMBERS_ASK">, "nonce" | "page">,
  mayAnswer: (from: Address) => boolean
): Effect.fn.Return<Page> {
  while (true) {
    for (const { from, message } of yield* messenger.receive) {
      if (message.type !== "MEMBERS" || message.nonce !== nonce || message.page !== page) continue
      if (mayAnswer(from)) return { message, from }
    }
  }
})
