/**
 * What standard output is: a terminal of some size, with or without colours, or none. And whose it is: a job may be stopped,
 * or in the background.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import * as Style from "../status/Style.ts"

const variable = (name: string) => Effect.orElseSucceed(Config.withDefault(Config.String(name), ""), () => "")

/** Whether it is a terminal on which a cursor can be moved. */
export const isScreen = Effect.map(variable("TERM"), (term) => process.stdout.isTTY && term !== "dumb")

/** How lines may look on it now. https://no-color.org: any value that is not empty means none. */
export const style: Effect.Effect<Style.Style> = Effect.gen(function*() {
  if (!process.stdout.isTTY) return Style.plain
  const color = (yield* variable("NO_COLOR")) === "" && (yield* isScreen)
  return { columns: process.stdout.columns || 80, rows: process.stdout.rows || 24, color }
})

/** Whether the terminal is ours to draw on. A job in the background leaves it to the shell. */
export const isForeground = (): boolean => {
  try {
    const stat = Fs.readFileSync("/proc/self/stat", "utf8")
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return foreground === group || foreground === "-1"
  } catch {
    // No Linux.
    return true
  }
}

/** The log, shown as a terminal shows all else: elsewhere it would tear what is drawn or typed there. */
export const logger = (show: (at: number, text: string) => void): Logger.Logger<unknown, void> =>
  Logger.make(({ date, message }) =>
    show(date.getTime(), (Array.isArray(message) ? message : [message]).map(String).join(" "))
  )

/** Until the scope closes: `leave` runs before the job is stopped (Ctrl-Z), and `enter` when it goes on. */
export const aroundStop = (leave: () => void, enter: () => void): Effect.Effect<void, never, Scope.Scope> => {
  const stop = () => {
    leave()
    // The system's own way to stop, which keeps a process going that nobody could continue.
    process.off("SIGTSTP", stop)
    process.kill(process.pid, "SIGTSTP")
    process.on("SIGTSTP", stop)
    enter()
  }
  return Effect.asVoid(Effect.acquireRelease(
    Effect.sync(() => {
      process.on("SIGTSTP", stop)
      // SIGSTOP stops without a word before it.
      process.on("SIGCONT", enter)
    }),
    () =>
      Effect.sync(() => {
        process.off("SIGTSTP", stop)
        process.off("SIGCONT", enter)
      })
  ))
}

/**
 * Lets output flow again that Ctrl-S has stopped: the system does so when a terminal no longer listens to Ctrl-S. On a real
 * line this would wait until all is sent, so it is for pseudo-terminals.
 */
export const unstop = Effect.sync(() => {
  try {
    if (!process.stdin.isTTY || !isForeground() || !Fs.readlinkSync("/proc/self/fd/0").startsWith("/dev/pts/")) return
    process.stdin.setRawMode(true)
    process.stdin.setRawMode(false)
  } catch {
    // The terminal is gone.
  }
})
