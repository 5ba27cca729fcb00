/**
 * The display of `serve` on a terminal: the table, redrawn when the view changes, when something happens, and once a
 * second for the ages. It uses the terminal's second screen, so that what was there before comes back.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import type * as Event from "../protocol/model/Event.ts"
import type * as Group from "../server/Group.ts"
import * as MulticastGroup from "../settings/MulticastGroup.ts"
import type * as Settings from "../settings/Settings.ts"
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

/** How long the terminal has at the end to take what stays on it. */
const patience = "200 millis"

/** What serve shows on a terminal. */
export type Screen = Effect.Success<ReturnType<typeof make>>

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

  // On the second screen. Another program may have used the terminal while ours was stopped.
  let isShown = false

  const lines = Effect.gen(function*() {
    if (group === undefined) return newest()
    return Table.render({
      ...settings,
      multicastAddress: MulticastGroup.format(settings.multicastAddress),
      view: yield* group.view,
      lastHeard: yield* group.lastHeard,
      recent: notes,
      now: yield* Clock.currentTimeMillis
    }, yield* Terminal.style)
  })

  /** Waits until the terminal has taken it: one that is not read gets no other frame meanwhile. */
  const draw = Effect.gen(function*() {
    if (!Terminal.isForeground()) return
    const frame = frameOf(yield* lines)
    yield* Output.standard.write(isShown ? frame : `${enter}${frame}`, () => {
      isShown = true
    })
  })

  const redraw = () => void Queue.offerUnsafe(wake, undefined)

  const resized = Effect.acquireRelease(
    Effect.sync(() => void process.stdout.on("resize", redraw)),
    () => Effect.sync(() => void process.stdout.off("resize", redraw))
  )

  // The last resort: a terminal is not left without its cursor, however the process ends.
  const restore = () => {
    if (!isShown) return
    isShown = false
    Output.standard.abandon()
    Output.standard.attempt(leave)
  }

  const stopped = Terminal.aroundStop(restore, () => {
    isShown = false
    redraw()
  })

  /** Gives the terminal back, with what stays on it. */
  const giveBack = Effect.suspend(() => {
    const { abandon, write } = Output.standard
    abandon()
    let left = `${isShown ? leave : ""}${newest().map((line) => `${line}\n`).join("")}`
    // What an attempt has begun, the next completes.
    const attempt = Effect.suspend(() =>
      Effect.timeoutOption(
        Effect.interruptible(write(left, () => {
          isShown = false
          left = ""
        })),
        patience
      )
    )
    return Effect.andThen(
      attempt,
      Effect.suspend(() => left === "" ? Effect.void : Effect.andThen(Terminal.unstop, attempt))
    )
  }).pipe(Effect.ignore)

  return {
    /** From now on there is something to draw. */
    watch: (watched: Group.GroupShape) => {
      group = watched
      redraw()
    },
    /** Draws until the scope closes. What it returns shows an event. */
    open: Effect.gen(function*() {
      yield* Effect.addFinalizer(() => giveBack)
      yield* resized
      yield* stopped
      yield* Effect.forkScoped(Effect.repeat(Queue.offer(wake, undefined), Schedule.spaced("1 second")))
      yield* Effect.forkScoped(Effect.forever(
        Queue.take(wake).pipe(
          // A terminal that is gone shows nothing: the server goes on.
          Effect.andThen(Effect.ignore(draw)),
          Effect.andThen(Effect.sleep(shortestFrame))
        )
      ))
      return (event: Event.Event) => note(event.at, EventText.describe(event))
    }),
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
