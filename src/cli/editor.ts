/**
 * The line that somebody types on a terminal: Node's line editor, on an output that is never waited for. Text of others can
 * be written where it stands, as it can be taken away and drawn anew below.
 */
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Readline from "node:readline"
import type * as Lines from "./lines.ts"
import * as Output from "./output.ts"

export interface Editor {
  /** The lines typed. Ends with Ctrl-D. */
  readonly lines: Stream.Stream<string>
  /** Completes with Ctrl-C. */
  readonly left: Effect.Effect<void>
  /** Writes text above the line that is being typed. */
  readonly above: (text: string) => void
  /** Draws the line where the cursor is: another program wrote there, or what was written is lost. */
  readonly drawAnew: () => void
  /** What stands before the line that is being typed. */
  readonly setPrompt: (text: string) => void
  /** Types this, where nothing else has been typed yet. */
  readonly offer: (text: string) => void
  readonly isOpen: () => boolean
}

/** Until the scope closes: listens for what an emitter of Node tells. */
const listening = (
  emitter: Pick<NodeJS.EventEmitter, "off" | "on">,
  event: string,
  listener: () => void
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(Effect.acquireRelease(
    Effect.sync(() => void emitter.on(event, listener)),
    () => Effect.sync(() => void emitter.off(event, listener))
  ))

/** Standard output as the line editor sees it: a terminal of its size, which is never waited for. */
const screenOf = Effect.fnUntraced(function*(output: Lines.Lines) {
  const screen = Object.assign(Output.stream(output), { isTTY: true, columns: 80, rows: 24 })
  const measure = () => void Object.assign(screen, { columns: process.stdout.columns, rows: process.stdout.rows })
  measure()
  yield* listening(process.stdout, "resize", () => {
    measure()
    screen.emit("resize")
  })
  return screen
})

interface Handlers {
  readonly typed: (line: string) => void
  readonly left: () => void
  readonly closed: () => void
}

/** Node's editor, which takes the keys of the terminal. */
const interfaceOn = (screen: NodeJS.WritableStream, { closed, left, typed }: Handlers): Readline.Interface => {
  const editor = Readline.createInterface({
    input: process.stdin,
    output: screen,
    terminal: true,
    historySize: 200,
    removeHistoryDuplicates: true
  })
  editor.on("line", typed)
  // Ctrl-D on an empty line.
  editor.on("close", closed)
  // The terminal is gone. It refuses the editor's last wish too, which comes before the SIGHUP that ends the client.
  editor.on("error", closed)
  process.stdin.on("error", () => {})
  editor.on("SIGINT", left)
  // As the terminal itself does where it is not asked to pass on keys: all processes of the job stop.
  editor.on("SIGTSTP", () => process.kill(0, "SIGTSTP"))
  return editor
}

/** What Node's editor draws, and how to take it away: it goes by where it believes the cursor to be. */
const drawingOf = (editor: Readline.Interface) => {
  // How many rows the editor believes to be between its prompt and the cursor, and goes up before it draws anew.
  const believe = (rows: number) => void Object.assign(editor, { prevRows: rows })
  return {
    /** Takes the cursor to where the prompt began, and away what is there. */
    erased: () => {
      const { rows } = editor.getCursorPos()
      believe(0)
      return `\r${rows > 0 ? `\x1b[${rows}A` : ""}\x1b[J`
    },
    drawAnew: () => {
      believe(0)
      editor.prompt(true)
    },
    // Where several characters come at once, as when they are pasted, it does not notice that they filled a row.
    measure: () => believe(editor.getCursorPos().rows)
  }
}

/** Takes the keys of the terminal, and gives it back when the scope closes. */
export const make = Effect.fnUntraced(function*(output: Lines.Lines): Effect.fn.Return<Editor, never, Scope.Scope> {
  const screen = yield* screenOf(output)
  const lines = yield* Queue.unbounded<string, Cause.Done>()
  const left = yield* Deferred.make<void>()
  let isOpen = true
  const whileOpen = (run: () => void) => () => {
    if (isOpen) run()
  }
  const acquire = Effect.sync(() => {
    const editor = interfaceOn(screen, {
      typed: (line) => {
        Queue.offerUnsafe(lines, line)
        editor.prompt()
      },
      left: () => Deferred.doneUnsafe(left, Effect.void),
      closed: () => {
        isOpen = false
        Queue.endUnsafe(lines)
      }
    })
    return { editor, ...drawingOf(editor) }
  })
  const { drawAnew, editor, erased, measure } = yield* Effect.acquireRelease(
    acquire,
    ({ editor, erased }) =>
      Effect.sync(() => {
        if (isOpen) output.add(erased())
        editor.close()
      })
  )
  yield* listening(process.stdin, "keypress", measure)
  const draw = whileOpen(() => editor.prompt(true))
  return {
    lines: Stream.fromQueue(lines),
    left: Deferred.await(left),
    above: (text) => {
      output.add(`${isOpen ? erased() : ""}${text}`)
      draw()
    },
    drawAnew: whileOpen(drawAnew),
    setPrompt: (text) => {
      editor.setPrompt(text)
      draw()
    },
    offer: (text) => {
      if (isOpen && editor.line === "") editor.write(text)
    },
    isOpen: () => isOpen
  }
})
