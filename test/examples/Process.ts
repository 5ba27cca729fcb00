/**
 * A process of a test: what it prints, waited for line by line, and how it ends.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import * as Path from "node:path"

export const root = Path.resolve(import.meta.dirname, "../..")

/** Whether Node runs TypeScript as it is, which it does from 22.18 on. */
export const runsTypeScript = process.features.typescript !== undefined && process.features.typescript !== false

export interface Process {
  /**
   * Waits for the next line that holds this text; lines before it are passed over. Fails where the process ends first. Once the
   * signal is aborted it takes no more lines.
   */
  readonly line: (text: string, signal?: AbortSignal) => Promise<string>
  /** Types into its standard input, where that was opened. */
  readonly type: (text: string, then?: "end") => void
  readonly kill: (signal: NodeJS.Signals) => void
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>
  /** All it said, for the message of a failed test. */
  readonly said: () => string
}

export const start = (
  file: string,
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>>,
  stdin: "ignore" | "pipe" = "ignore"
): Process => {
  // The settings of the one who runs the tests must not get in.
  const clean = Object.entries(process.env).filter(([name]) => !name.startsWith("BELLWETHER_"))
  const child = spawn(process.execPath, [Path.join(root, file), ...args], {
    env: { ...Object.fromEntries(clean), ...env },
    stdio: [stdin, "pipe", "pipe"]
  })
  const lines: Array<string> = []
  let text = ""
  let rest = ""
  let over = false
  let changed = (): void => undefined
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => text += chunk)
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk
    const parts = (rest + chunk).split("\n")
    rest = parts.pop() ?? ""
    lines.push(...parts)
    changed()
  })
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once("close", (code, signal) => {
      over = true
      changed()
      resolve(code ?? signal)
    })
  })
  return {
    line: async (wanted, signal) => {
      while (true) {
        signal?.throwIfAborted()
        const line = lines.shift()
        if (line?.includes(wanted) === true) return line
        if (line !== undefined) continue
        if (over) throw new Error(`${file} ended without the line "${wanted}"; it said:\n${text}`)
        await new Promise<void>((resolve) => changed = resolve)
      }
    },
    type: (text, then) => {
      child.stdin?.write(text)
      if (then === "end") child.stdin?.end()
    },
    kill: (signal) => void child.kill(signal),
    ended,
    said: () => text
  }
}

/** The same, killed when the scope closes. */
export const scoped = (...args: Parameters<typeof start>): Effect.Effect<Process, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => start(...args)),
    ({ ended, kill }) =>
      Effect.promise(() => {
        kill("SIGKILL")
        return ended
      })
  )

/** `line` and `ended`, as effects. */
export const says = ({ line }: Process, text: string): Effect.Effect<string> =>
  Effect.promise((signal) => line(text, signal))
export const ends = ({ ended }: Process): Effect.Effect<number | NodeJS.Signals | null> => Effect.promise(() => ended)
