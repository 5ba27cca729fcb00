/**
 * Events on their way to those who read them over HTTP: numbered, so that a reader goes on where it stopped, and never more
 * waiting for one than its queue holds.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Sse from "effect/encoding/Sse"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Event from "../../protocol/model/Event.ts"
import type * as Group from "../../server/Group.ts"
import type { Streamed } from "./Contract.ts"
import * as Problem from "./Problem.ts"

/** One event with its number, as it is sent. */
export interface Numbered<A = Streamed> extends Omit<Sse.EventEncoded, "data"> {
  readonly data: A
}

/**
 * The number of an event: of which start of which server, and the how many-eth of it. A number of another start is told from one
 * of this.
 */
export const numberOf = (incarnation: number, sequence: number): string => `${incarnation}-${sequence}`

/** Of a number, which event of this start it is: null of another start, or where it is no number. */
export const sequenceOf = (incarnation: number, number: string): number | null => {
  const [, start, sequence] = /^(\d{1,16})-(\d{1,16})$/.exec(number) ?? []
  return start === String(incarnation) ? Number(sequence) : null
}

/** Places for streams. */
export interface Slots {
  /**
   * Takes a place until the scope closes, which is that of a request: a stream that is asked for by HEAD, or whose reader is gone
   * before it began, never runs.
   */
  readonly take: Effect.Effect<void, Problem.TooManyStreams, Scope.Scope>
}

/** So many places for streams. */
export const makeSlots = (limit: number): Slots => {
  let open = 0
  const release = Effect.sync(() => {
    open -= 1
  })
  return {
    take: Effect.acquireRelease(
      Effect.suspend(() => {
        if (open >= limit) {
          const detail = `${limit} are open; one must end before another begins`
          return Effect.fail(new Problem.TooManyStreams({ limit, detail }))
        }
        open += 1
        return Effect.void
      }),
      () => release
    )
  }
}

/** How often a stream shows that it is alive: at once, since its reader is answered only when something is sent. */
const aliveEvery = "15 seconds"

/** What shows that a stream is alive. */
export const alive = Stream.concat(Stream.make(0), Stream.fromSchedule(Schedule.spaced(aliveEvery))).pipe(
  Stream.mapEffect(() => Clock.currentTimeMillis),
  Stream.map((at) => ({ event: "Alive", data: { at, event: "Alive" as const } }))
)

/** What a reader asks for: only these events, or all; from which one on, or from now. */
export interface Wanted {
  readonly only: ReadonlySet<string> | null
  readonly after: string | undefined
}

/**
 * The events of a group from the wanted one on. One that is too slow gets `TooSlow` as its last: its connection is then closed, and
 * it may come back and read on.
 */
export const events = (
  group: Pick<Group.GroupShape, "self" | "status" | "subscribeAfter">,
  { after, only }: Wanted
): Stream.Stream<Numbered> =>
  Stream.unwrap(Effect.gen(function*() {
    const { at, self, sequence } = yield* group.status
    const asked = after === undefined ? sequence : sequenceOf(self.incarnation, after)
    const { events, sequence: from } = yield* group.subscribeAfter(asked ?? 0)
    let last = from
    let isFirst = true
    const number = (event: Event.Event): Numbered => {
      // What is missing at the beginning was lost before this reader came; later, since it was too slow.
      const wasThere = isFirst
      isFirst = false
      last += event.event === "EventsLost" ? event.count : 1
      const id = numberOf(self.incarnation, last)
      if (event.event !== "EventsLost") return { id, event: event.event, data: event }
      return wasThere
        ? { id, event: "Gap", data: { at: event.at, event: "Gap", count: event.count } }
        : { event: "TooSlow", data: { at: event.at, event: "TooSlow", count: event.count } }
    }
    const restarted: ReadonlyArray<Numbered> = asked === null
      ? [{ event: "Gap", data: { at, event: "Gap", count: null } }]
      : []
    const numbered = Stream.map(events, number).pipe(
      Stream.filter(({ event }) => only === null || only.has(event) || event === "Gap" || event === "TooSlow")
    )
    return Stream.concat(
      Stream.fromIterable(restarted),
      Stream.merge(numbered, alive, { haltStrategy: "left" }).pipe(
        Stream.takeUntil(({ event }) => event === "TooSlow" || event === "Left")
      )
    )
  }))
