/** The second screen of a terminal, and what is on it: the one place that knows what the terminal shows now. */
import * as Effect from "effect/Effect"
import * as Frame from "./frame.ts"
import type * as Sink from "./sink.ts"
import * as Terminal from "./terminal.ts"

export interface Surface {
  /** Writes what has changed, and waits until the terminal has taken it. */
  readonly show: (frame: Frame.Frame) => Effect.Effect<void, Sink.OutputClosed>
  /** What is on it is not known any more. */
  readonly forget: () => void
  /** Gives the terminal back at once, as far as it takes that. */
  readonly restore: () => void
  /** Another program has had the terminal meanwhile. */
  readonly resume: () => void
  /** Gives the terminal back with these lines on it, as soon as it takes them. */
  readonly close: (remains: ReadonlyArray<string>) => Effect.Effect<void>
}

/** How long the terminal has at the end to take what stays on it. */
const patience = "200 millis"

export const make = ({ abandon, attempt, write }: Sink.Sink): Surface => {
  let isShown = false
  let known = Frame.unknown()
  const show = (frame: Frame.Frame) => {
    const [wasShown, before] = [isShown, known]
    const changes = Frame.changes(before, frame)
    if (wasShown && changes === "") return Effect.void
    return write(wasShown ? changes : `${Frame.enter}${changes}`, () => {
      // While it was written, the terminal may have been given back, or got another size.
      if (!wasShown) isShown = true
      if (known === before) known = frame
    })
  }
  const resume = () => {
    isShown = false
    known = Frame.unknown()
  }
  const close = (remains: ReadonlyArray<string>) => {
    abandon()
    let left = `${isShown ? Frame.leave : ""}${remains.map((line) => `${line}\n`).join("")}`
    const taken = () => {
      isShown = false
      left = ""
    }
    // What an attempt has begun, the next completes.
    const soon = Effect.suspend(() => Effect.timeoutOption(Effect.interruptible(write(left, taken)), patience))
    const again = Effect.suspend(() => left === "" ? Effect.void : Effect.andThen(Terminal.unstop, soon))
    return Effect.ignore(Effect.andThen(soon, again))
  }
  return {
    show: (frame) => Effect.suspend(() => show(frame)),
    forget: () => {
      known = Frame.unknown()
    },
    restore: () => {
      if (!isShown) return
      resume()
      abandon()
      attempt(Frame.leave)
    },
    resume,
    close: (remains) => Effect.suspend(() => close(remains))
  }
}
