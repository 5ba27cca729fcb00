/**
 * Standard output and standard error, without ever blocking the process or ending it: a reader that goes away or does
 * not read must not take a leader with it. All that is shown goes through here.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as NodeConsole from "node:console"
import { Writable } from "node:stream"
import * as Backlog from "./backlog.ts"
import * as Descriptor from "./descriptor.ts"
import * as Lines from "./lines.ts"
import * as Sink from "./sink.ts"

/** Standard output. */
export const standard: Sink.Sink = Sink.make(Descriptor.writerTo(1))

const errors = Lines.make(Sink.make(Descriptor.writerTo(2)), {
  capacity: 1_024,
  lost: (count) => `bellwether: ${count} lines are missing here, as standard error was not read\n`
})

const printed = Lines.make(standard, { capacity: 1_024, lost: () => "" })

/** Writes to standard output, and waits until the system has taken it: a few whole lines at once. */
export const write = (text: string): Effect.Effect<void, Sink.OutputClosed> => {
  const backlog = Backlog.make(Infinity, 0)
  for (const line of text.split(/(?<=\n)/)) backlog.add(line)
  const some = Effect.suspend(() => standard.write(backlog.take().lines.join("")))
  return Effect.whileLoop({ while: () => !backlog.isEmpty(), body: () => some, step: () => {} })
}

/** One line, or several, on standard output. */
export const line = (text: string): Effect.Effect<void, Sink.OutputClosed> => write(`${text}\n`)

/** Lines on standard output that nothing waits for. Why they cannot be written is reported once, unless it is `expected`. */
export const lines = (
  options: Pick<Lines.Options, "capacity" | "lost">,
  expected: (error: Sink.OutputClosed) => boolean = () => false
): Effect.Effect<Lines.Lines, never, Scope.Scope> => {
  const reported = new Set<string>()
  const made = Lines.make(standard, {
    ...options,
    failed: (error) =>
      Effect.suspend(() => {
        if (reported.has(error.code) || expected(error)) return Effect.void
        reported.add(error.code)
        return complain(`${error.message}; all else goes on, and it is tried again each second`)
      })
  })
  return Effect.as(made.open, made)
}

/** One line for a person who made a mistake or must know. */
export const complain = (text: string): Effect.Effect<void> =>
  report(`bellwether: ${text.replaceAll(/\s*\n\s*/g, " ")}\n`)

/** Text as it is on standard error. */
export const report = (text: string): Effect.Effect<void> => Effect.sync(() => errors.add(text))

/** Whether standard error has taken all that was reported. */
export const isRead = errors.isIdle

/** Waits until it has, but only for a moment. */
export const reported = Effect.asVoid(Effect.timeoutOption(Effect.interruptible(errors.flushed), "300 millis"))

/** A stream of Node that writes there, and is never full. */
export const stream = ({ add }: Lines.Lines) =>
  new Writable({
    decodeStrings: false,
    write: (chunk, _, done) => {
      add(String(chunk))
      done()
    }
  })

/** Where Effect writes help and the log. */
export const printing = new NodeConsole.Console({ stdout: stream(printed), stderr: stream(errors) })

/** Runs the program with its output written, to the end as far as somebody reads it. */
export const written = <A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.scoped(Effect.gen(function*() {
    // Without a listener the error of a stream that Node itself writes to ends the process.
    for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {})
    yield* errors.open
    yield* printed.open
    const result = yield* program
    yield* printed.flushed
    return result
  }))
