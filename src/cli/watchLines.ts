/** What `watch` prints where there is no terminal to draw on: the group once, then a line for each thing that happens. */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Style from "../status/Style.ts"
import * as Head from "../status/terminal/Head.ts"
import * as Members from "../status/terminal/Members.ts"
import * as Model from "../status/terminal/Model.ts"
import * as Text from "../status/Text.ts"
import * as Output from "./output.ts"
import type { Change } from "./screen.ts"

/** How many lines wait for a reader at most. */
const capacity = 8_192

/** Prints until the scope closes. `gone` completes when nobody reads any more. */
export const make = Effect.gen(function*() {
  const lines = yield* Output.lines({
    capacity,
    lost: (count) => `${count} lines are missing here, as nobody read them\n`
  })
  let model = Model.make()
  let isShown = false
  let printed: Model.Note | undefined
  let told: string | null = null
  const print = () => {
    const { notes, seen, stale } = model
    if (seen !== null && !isShown) {
      isShown = true
      for (const line of [...Head.lines(model, Style.plain), ...Members.lines(model, Style.plain)]) {
        lines.add(`${line}\n`)
      }
    }
    if (stale !== told && stale !== null) lines.add(`not current: ${Text.clean(stale)}\n`)
    told = stale
    // Nothing but why nobody answers is told before the group.
    if (!isShown && stale === null) return
    for (const { at, text } of notes.slice(printed === undefined ? 0 : notes.lastIndexOf(printed) + 1)) {
      lines.add(`${Text.timestamp(at)} ${Text.clean(text)}\n`)
    }
    printed = notes.at(-1) ?? printed
  }
  const update = (change: Change): void => {
    model = change(model)
    print()
  }
  return {
    update,
    gone: lines.readerGone,
    open: (refresh: Effect.Effect<Change>) =>
      Effect.asVoid(Effect.forkScoped(
        Effect.repeat(Effect.map(refresh, update), Schedule.spaced("500 millis"))
      ))
  }
})
