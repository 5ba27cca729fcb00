/**
 * A process of a test: what it prints, waited for line by line, and how it ends.
 */
import { spawn } from "node:child_process"
import * as Path from "node:path"

export const root = Path.resolve(import.meta.dirname, "../..")

export interface Process {
  /** Waits for the next line that holds this text; lines before it are passed over. Fails where the process ends first. */
  readonly line: (text: string) => Promise<string>
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
  // Lest the settings of whoever runs the tests get in.
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
    line: async (wanted) => {
      while (true) {
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
