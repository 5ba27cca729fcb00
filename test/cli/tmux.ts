/**
 * Terminals that are drawn as a person sees them.
 */
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import * as Process from "./process.ts"

export const isThere = spawnSync("tmux", ["-V"]).status === 0

/** The program, as a shell is told to run it. */
export const command = (...args: ReadonlyArray<string>): string =>
  [process.execPath, Process.main, ...args].map((word) => `'${word}'`).join(" ")

let servers = 0

export const terminals = Effect.acquireRelease(
  Effect.sync(() => {
    const socket = `bellwether-${process.pid}-${servers++}`
    const tmux = (...args: ReadonlyArray<string>) =>
      spawnSync("tmux", ["-L", socket, "-f", "/dev/null", ...args], { encoding: "utf8" }).stdout
    const screen = (name: string): ReadonlyArray<string> => tmux("capture-pane", "-p", "-t", name).trimEnd().split("\n")
    return {
      /** A terminal of 24 rows, on which a shell runs what it is told. */
      start: (name: string, columns: number, env: Record<string, string>, shell: string) => {
        const variables = Object.entries(env).flatMap(([key, value]) => ["-e", `${key}=${value}`])
        tmux("new-session", "-d", "-s", name, "-x", String(columns), "-y", "24", ...variables, shell)
      },
      type: (name: string, ...keys: ReadonlyArray<string>) => void tmux("send-keys", "-t", name, ...keys),
      resize: (name: string, columns: number, rows: number) =>
        void tmux("resize-window", "-t", name, "-x", String(columns), "-y", String(rows)),
      screen,
      /** Waits until something is to be seen. */
      see: (name: string, what: (lines: ReadonlyArray<string>) => boolean) =>
        Effect.gen(function*() {
          while (!what(screen(name))) yield* Effect.sleep("50 millis")
        }).pipe(
          Effect.timeoutOrElse({
            duration: "15 seconds",
            orElse: () => Effect.die(new Error(`not seen by ${name}:\n${screen(name).join("\n")}`))
          })
        ),
      /** Whether the second screen is shown, and whether there is a cursor. */
      modes: (name: string) => tmux("display-message", "-p", "-t", name, "#{alternate_on} #{cursor_flag}").trim(),
      /** The process that the terminal was started with. */
      pid: (name: string) => Number(tmux("display-message", "-p", "-t", name, "#{pane_pid}")),
      /** All terminals hang, as over a connection that is lost: nothing is read of them, until they are thawed. */
      freeze: () => {
        const server = Number(tmux("display-message", "-p", "#{pid}"))
        process.kill(server, "SIGSTOP")
        return () => void process.kill(server, "SIGCONT")
      },
      /** Closes the terminal, as the window of a terminal is closed. */
      close: (name: string) => void tmux("kill-session", "-t", name),
      end: () => void tmux("kill-server")
    }
  }),
  ({ end }) => Effect.sync(end)
)
