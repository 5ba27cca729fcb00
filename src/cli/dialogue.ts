/**
 * A terminal on which somebody types while lines arrive: what arrives is written above the line that is being typed,
 * which is drawn anew below it.
 */
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Readline from "node:readline"
import * as Text from "../status/Text.ts"
import type * as Lines from "./lines.ts"
import * as Output from "./output.ts"
import * as Terminal from "./terminal.ts"

export interface Dialogue {
  /** The lines typed. Ends with Ctrl-D. */
  readonly lines: Stream.Stream<string>
  /** Completes with Ctrl-C. */
  readonly left: Effect.Effect<void>
  /** Writes one line above the one that is being typed. */
  readonly print: (text: string) => Effect.Effect<void>
  /** Completes when all that was printed is shown, or when it cannot be. */
  readonly shown: Effect.Effect<void>
  /** Completes when the terminal is gone. */
  readonly gone: Effect.Effect<void>
  /** The log, among the lines that arrive: elsewhere it would tear what is being typed. */
  readonly logger: Logger.Logger<unknown, void>
  /** What stands before the line that is being typed. */
  readonly setPrompt: (text: string) => Effect.Effect<void>
  /** Gives a line back to be changed, where nothing else has been typed yet. */
  readonly giveBack: (text: string) => Effect.Effect<void>
}

/** Whether somebody is there to type, and to see it. */
export const isPossible = Effect.map(Terminal.isScreen, (isScreen) => isScreen && process.stdin.isTTY)

/** How many pieces of text may wait for the terminal: one for what is printed, and a few for each key. */
const capacity = 4_096

/** Standard output as the line editor sees it: a terminal of its size, which is never waited for. */
const screenOf = (output: Lines.Lines) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const screen = Object.assign(Output.stream(output), { isTTY: true, columns: 80, rows: 24 })
      const measure = () => void Object.assign(screen, { columns: process.stdout.columns, rows: process.stdout.rows })
      const resized = () => {
        measure()
        screen.emit("resize")
      }
      measure()
      process.stdout.on("resize", resized)
      return { screen, resized }
    }),
    ({ resized }) => Effect.sync(() => void process.stdout.off("resize", resized))
  )

/** Takes the terminal, and gives it back when the scope closes. */
export const make: Effect.Effect<Dialogue, never, Scope.Scope> = Effect.gen(function*() {
  const torn = yield* Queue.sliding<void>(1)
  const output = yield* Output.lines({
    capacity,
    lost: () => {
      Queue.offerUnsafe(torn, undefined)
      return "\r\x1b[Jlines are missing here: the terminal was not read\n"
    }
  }, ({ isGone }) => isGone)
  const { screen } = yield* screenOf(output)
  const lines = yield* Queue.unbounded<string, Cause.Done>()
  const left = yield* Deferred.make<void>()
  const leave = () => Deferred.doneUnsafe(left, Effect.void)
  let isOpen = true
  const editor = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const editor = Readline.createInterface({
        input: process.stdin,
        output: screen,
        terminal: true,
        historySize: 200,
        removeHistoryDuplicates: true
      })
      editor.on("line", (line) => {
        Queue.offerUnsafe(lines, line)
        editor.prompt()
      })
      const close = () => {
        isOpen = false
        Queue.endUnsafe(lines)
      }
      // Ctrl-D on an empty line.
      editor.on("close", close)
      // The terminal is gone. It refuses the editor's last wish too, which comes before the SIGHUP that ends the client.
      editor.on("error", close)
      process.stdin.on("error", () => {})
      editor.on("SIGINT", leave)
      // As the terminal itself does where it is not asked to pass on keys: all processes of the job stop.
      editor.on("SIGTSTP", () => process.kill(0, "SIGTSTP"))
      return editor
    }),
    (editor) =>
      Effect.sync(() => {
        if (isOpen) output.add(erased())
        editor.close()
      })
  )
  // How many rows the editor believes to be between its prompt and the cursor, and goes up before it draws anew.
  const believe = (rows: number) => void Object.assign(editor, { prevRows: rows })
  /** Takes the cursor to where the prompt began, and away what is there. */
  const erased = () => {
    const { rows } = editor.getCursorPos()
    believe(0)
    return `\r${rows > 0 ? `\x1b[${rows}A` : ""}\x1b[J`
  }
  // Where several characters come at once, as when they are pasted, it does not notice that they filled a row.
  const onKey = () => believe(editor.getCursorPos().rows)
  yield* Effect.acquireRelease(
    Effect.sync(() => void process.stdin.on("keypress", onKey)),
    () => Effect.sync(() => void process.stdin.off("keypress", onKey))
  )
  const draw = () => {
    if (isOpen) editor.prompt(true)
  }
  /** Where the cursor is, is not known: another program wrote there, or what was written is lost. */
  const drawAnew = () => {
    believe(0)
    draw()
  }
  const print = (text: string) => {
    output.add(`${isOpen ? erased() : ""}${text}\n`)
    draw()
  }
  yield* Terminal.aroundStop(
    () => {
      process.stdin.setRawMode(false)
      Output.standard.attempt("\n")
    },
    () => {
      if (!isOpen) return
      // Off and on: the shell changed it meanwhile, which Node does not know.
      process.stdin.setRawMode(false)
      process.stdin.setRawMode(true)
      drawAnew()
    }
  )
  yield* Queue.take(torn).pipe(
    Effect.andThen(output.flushed),
    Effect.andThen(Effect.sync(drawAnew)),
    Effect.forever,
    Effect.forkScoped
  )
  return {
    lines: Stream.fromQueue(lines),
    left: Deferred.await(left),
    print: (text) => Effect.sync(() => print(text)),
    shown: output.flushed,
    gone: output.readerGone,
    logger: Logger.make(({ date, message }) => {
      const text = (Array.isArray(message) ? message : [message]).map(String).join(" ")
      print(`${Text.clock(date.getTime())}  ${Text.clean(text)}`)
    }),
    setPrompt: (text) =>
      Effect.sync(() => {
        editor.setPrompt(text)
        draw()
      }),
    giveBack: (text) =>
      Effect.sync(() => {
        if (isOpen && editor.line === "") editor.write(text)
      })
  }
})
