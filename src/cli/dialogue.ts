/**
 * A terminal on which somebody types while lines arrive: what arrives is written above the line that is being typed,
 * which is drawn anew below it.
 */
import * as Effect from "effect/Effect"
import type * as Logger from "effect/Logger"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import * as Text from "../status/Text.ts"
import * as Editor from "./editor.ts"
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
  /** The log, among the lines that arrive. */
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
  const editor = yield* Editor.make(output)
  const print = (text: string) => editor.above(`${text}\n`)
  yield* aroundStop(editor)
  yield* Queue.take(torn).pipe(
    Effect.andThen(output.flushed),
    Effect.andThen(Effect.sync(editor.drawAnew)),
    Effect.forever,
    Effect.forkScoped
  )
  return {
    lines: editor.lines,
    left: editor.left,
    print: (text) => Effect.sync(() => print(text)),
    shown: output.flushed,
    gone: output.readerGone,
    logger: Terminal.logger((at, text) => print(`${Text.clock(at)}  ${Text.clean(text)}`)),
    setPrompt: (text) => Effect.sync(() => editor.setPrompt(text)),
    giveBack: (text) => Effect.sync(() => editor.offer(text))
  }
})

/** The shell has the terminal while the job is stopped, and its keys come as lines then. */
const aroundStop = ({ drawAnew, isOpen }: Editor.Editor) =>
  Terminal.aroundStop(
    () => {
      process.stdin.setRawMode(false)
      Output.standard.attempt("\n")
    },
    () => {
      if (!isOpen()) return
      // Off and on: the shell changed it meanwhile, which Node does not know.
      process.stdin.setRawMode(false)
      process.stdin.setRawMode(true)
      drawAnew()
    }
  )
