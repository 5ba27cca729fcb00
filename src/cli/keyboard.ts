/**
 * Single keys of the terminal, while it is ours: a job that is stopped or in the background leaves them to the shell. Effect's
 * `Terminal` reads keys too, but gives the terminal back some time later, and a job must have done so before it stops.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Readline from "node:readline"
import * as Terminal from "./terminal.ts"

/** The keys of a terminal. */
export interface Keyboard {
  /** Takes the keys, if the terminal is ours and they are not taken. */
  readonly take: () => void
  /** Gives them back at once. */
  readonly giveBack: () => void
}

/** What the terminal itself does for these keys where nobody takes them: all processes of the job get the signal. */
const signals: Readonly<Record<string, NodeJS.Signals>> = {
  "ctrl-c": "SIGINT",
  "ctrl-z": "SIGTSTP",
  "ctrl-\\": "SIGQUIT"
}

/** The name of a key: the character that it types, else what it is called, with `ctrl-` before it where that is held. */
export const nameOf = (typed: string | undefined, { ctrl = false, name = "", sequence = "" }: Readline.Key): string => {
  if (ctrl) return sequence === "\x1c" ? "ctrl-\\" : `ctrl-${name}`
  if (name === "enter") return "return"
  const isCharacter = typed !== undefined && /^\P{Cc}$/u.test(typed)
  return isCharacter ? typed : name
}

const raw = (isRaw: boolean): void => {
  try {
    process.stdin.setRawMode(isRaw)
  } catch {
    // The terminal is gone.
  }
}

/** The keys until the scope closes. Where standard input is no terminal there are none. */
export const make = (
  pressed: (key: string) => void
): Effect.Effect<Keyboard, never, Scope.Scope> => {
  const { stdin } = process
  let isTaken = false
  const press = (typed: string | undefined, key: Readline.Key): void => {
    const name = nameOf(typed, key)
    const signal = signals[name]
    if (signal === undefined) pressed(name)
    else process.kill(process.platform === "win32" ? process.pid : 0, signal)
  }
  const take = (): void => {
    if (isTaken || !stdin.isTTY || !Terminal.isForeground()) return
    isTaken = true
    Readline.emitKeypressEvents(stdin)
    stdin.on("keypress", press)
    raw(true)
    stdin.resume()
  }
  const giveBack = (): void => {
    if (!isTaken) return
    isTaken = false
    stdin.off("keypress", press)
    stdin.pause()
    raw(false)
  }
  return Effect.acquireRelease(
    Effect.sync(() => {
      // Without a listener its loss, which comes before the SIGHUP, would end the process.
      stdin.on("error", () => {})
      take()
      return { take, giveBack }
    }),
    () => Effect.sync(giveBack)
  )
}
