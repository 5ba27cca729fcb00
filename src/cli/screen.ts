/**
 * The display of `serve` on a terminal: the table, redrawn when the view changes, when something happens, and once a
 * second for the ages. It uses the terminal's second screen, so that what was there before comes back.
 */
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import * as Fs from "node:fs"
import type * as Group from "../group/Group.ts"
import type * as Settings from "../group/Settings.ts"
import type * as Event from "../protocol/Event.ts"
import * as EventText from "../status/EventText.ts"
import * as Table from "../status/Table.ts"
import * as Text from "../status/Text.ts"
import * as Output from "./output.ts"
import * as Terminal from "./terminal.ts"

const enter = "\x1b[?1049h\x1b[?25l\x1b[2J"
const leave = "\x1b[?25h\x1b[?1049l"
// Terminals that know it show the frame at once; the others ignore it.
const frameOf = (lines: ReadonlyArray<string>) =>
  `\x1b[?2026h\x1b[H${lines.map((line) => `${line}\x1b[K`).join("\r\n")}\x1b[J\x1b[?2026l`

const keptNotes = 50
const shortestFrame = "40 millis"

export const make = Effect.fnUntraced(function*(settings: Settings.Settings) {
  const wake = yield* Queue.sliding<void>(1)
  const notes: Array<Table.Note> = []
  const note = (at: number, text: string) => {
    notes.push({ at, text })
    if (notes.length > keptNotes) notes.shift()
    Queue.offerUnsafe(wake, undefined)
  }
  const newest = () => notes.slice(-8).map(({ at, text }) => `${Text.clock(at)}  ${Text.clean(text)}`)
  let group: Group.GroupShape | undefined

  const draw = Effect.gen(function*() {
    if (group === undefined) {
      return yield* Output.write(frameOf(newest()))
    }
    const style = yield* Terminal.style
    const lines = Table.render({
      ...settings,
      view: yield* group.view,
      lastHeard: yield* group.lastHeard,
      recent: notes,
      now: yield* Clock.currentTimeMillis
    }, style)
    yield* Output.write(frameOf(lines))
  })

  /** What stays on the terminal when the display has gone. */
  const epilogue = Effect.suspend(() => Output.write(newest().map((line) => `${line}\n`).join("")))

  const resized = Effect.callback<never>(() => {
    const redraw = () => void Queue.offerUnsafe(wake, undefined)
    process.stdout.on("resize", redraw)
    return Effect.sync(() => void process.stdout.off("resize", redraw))
  })

  /** Draws until the events end. */
  const show = (events: Queue.Dequeue<Event.Event, Cause.Done>): Effect.Effect<void, Output.OutputClosed> =>
    Effect.scoped(Effect.gen(function*() {
      yield* Effect.acquireRelease(
        Output.write(enter),
        () => Effect.andThen(Output.write(leave), epilogue).pipe(Effect.ignore)
      )
      yield* Effect.forkScoped(resized)
      yield* Effect.forkScoped(Effect.repeat(Queue.offer(wake, undefined), Schedule.spaced("1 second")))
      const drawing = yield* Effect.forkScoped(
        Effect.forever(Queue.take(wake).pipe(Effect.andThen(draw), Effect.andThen(Effect.sleep(shortestFrame))))
      )
      const reading = Queue.take(events).pipe(
        Effect.map((event) => note(event.at, EventText.describe(event))),
        Effect.forever,
        Effect.catchTag("Done", () => Effect.void)
      )
      yield* Effect.raceFirst(reading, Fiber.join(drawing))
    }))

  // The last resort: a terminal is not left without its cursor, however the process ends.
  const restore = () => {
    try {
      Fs.writeSync(1, leave)
    } catch {
      // Nobody is there to see it.
    }
  }

  return {
    /** From now on there is something to draw. */
    watch: (watched: Group.GroupShape) => {
      group = watched
      Queue.offerUnsafe(wake, undefined)
    },
    show,
    /** Runs with the terminal guarded, and with the log among the notes: elsewhere it would tear the display. */
    on: <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      effect.pipe(
        Effect.provide(Logger.layer([
          Logger.make(({ date, message }) =>
            note(date.getTime(), (Array.isArray(message) ? message : [message]).map(String).join(" "))
          )
        ])),
        (guarded) =>
          Effect.acquireUseRelease(
            Effect.sync(() => void process.on("exit", restore)),
            () => guarded,
            () => Effect.sync(() => void process.off("exit", restore))
          )
      )
  }
})
