/**
 * The signals that stop the program. SIGINT and SIGTERM are `NodeRuntime`'s to act on; SIGHUP, which comes when the terminal is
 * closed, stops the program in the same way, unless it was started so that it outlives its terminal.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"

type Signal = "SIGHUP" | "SIGINT" | "SIGTERM"

let first: Signal | undefined

/** The signal that stopped the program, as far as one did. */
export const stoppedBy = (): Signal | undefined => first

/** The exit code of a process that a signal ended, as shells show it. */
export const codeOf = (signal: Signal): number => 128 + Os.constants.signals[signal]

/**
 * What is known of whether SIGHUP was ignored when the process was started. Node resets what it inherits before any code
 * of ours runs, so it has to be inferred from traces.
 */
export interface Traces {
  /** The command that the shell ran, from its variable `_`. */
  readonly command: string
  /** Whether standard input can only be written to: `nohup` leaves that in place of a terminal. */
  readonly isInputWriteOnly: boolean
  /** The signals that the parent ignores, as `/proc` shows them: a child inherits them. */
  readonly ignoredByParent: bigint
}

/** Whether the process was started so that it outlives its terminal. */
export const outlivesTerminal = ({ command, ignoredByParent, isInputWriteOnly }: Traces): boolean =>
  Path.basename(command) === "nohup" || isInputWriteOnly || ignoredByParent % 2n === 1n

const field = (file: string, name: string): string | undefined => {
  try {
    return new RegExp(`^${name}:\\s*([0-9a-f]+)$`, "m").exec(Fs.readFileSync(file, "utf8"))?.[1]
  } catch {
    // Not Linux, or not ours to see.
    return undefined
  }
}

const traces = Effect.gen(function*() {
  const access = field("/proc/self/fdinfo/0", "flags")
  return {
    command: yield* Effect.orElseSucceed(Config.withDefault(Config.String("_"), ""), () => ""),
    isInputWriteOnly: access !== undefined && (Number.parseInt(access, 8) & 3) === Fs.constants.O_WRONLY,
    ignoredByParent: BigInt(`0x${field(`/proc/${process.ppid}/status`, "SigIgn") ?? "0"}`)
  }
})

/** Runs the program, which a signal stops. */
export const stoppable = <A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) =>
    Effect.flatMap(traces, (traces) => {
      // Before `NodeRuntime` hears of them, which may end the program at once.
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.prependListener(signal, () => first ??= signal)
      process.on("SIGHUP", () => {
        if (outlivesTerminal(traces)) return
        first ??= "SIGHUP"
        fiber.interruptUnsafe(fiber.id)
      })
      return program
    })
  )
