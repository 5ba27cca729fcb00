/**
 * Standard output and standard error, without ever blocking the process or ending it: a reader that goes away or stands
 * still must not take a leader with it.
 */
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"

/** Nobody reads standard output any more, or it cannot be written to. `code` is the system's. */
export class OutputClosed extends Schema.TaggedError<OutputClosed>()("OutputClosed", { code: Schema.String }) {
  override readonly [Runtime.errorReported] = false
  /** The reader went away, as `head` does when it has seen enough: no fault of anyone's. */
  get isGone() {
    return ["EPIPE", "EIO", "ECONNRESET", "ERR_STREAM_DESTROYED", "ERR_STREAM_WRITE_AFTER_END"].includes(this.code)
  }
  override get message() {
    return `standard output cannot be written: ${this.code}`
  }
}

/** What became of a write, from what its callback was given. */
const outcome = (error: Error | null | undefined): Effect.Effect<void, OutputClosed> =>
  error
    ? Effect.fail(new OutputClosed({ code: "code" in error ? String(error.code) : error.message }))
    : Effect.void

/** Writes to standard output, and waits until the system has taken it. `then` is called before anything else happens. */
export const write = (text: string, then?: () => void): Effect.Effect<void, OutputClosed> =>
  Effect.callback((resume) => {
    process.stdout.write(text, (error) => resume(outcome(error)))
    then?.()
  })

/** One line, or several, on standard output. */
export const line = (text: string): Effect.Effect<void, OutputClosed> => write(`${text}\n`)

/** One line for a person who made a mistake or must know. */
export const complain = (text: string): Effect.Effect<void> =>
  Effect.sync(() => void process.stderr.write(`bellwether: ${text.replaceAll(/\s*\n\s*/g, " ")}\n`))

/** Without a listener a stream's error ends the process; each writer learns of it from its own write. */
export const survive = Effect.sync(() => {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {})
})
