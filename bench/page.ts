/**
 * `npm run bench -- page`: what the page costs a browser in a large group, all of whose heartbeats it shows: from the beginning
 * of a frame until it is painted, in ms.
 */
import * as Effect from "effect/Effect"
import * as Browser from "../test/status/page/browser/Browser.ts"
import * as Crowd from "../test/status/page/browser/Crowd.ts"

const seconds = 20

/** Notes for each frame how long it takes; a message that is posted at its beginning comes when it is painted. */
const watch = `(() => {
  globalThis.frames_ = []
  const frame = () => {
    const begin = performance.now()
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => globalThis.frames_.push(performance.now() - begin)
    port2.postMessage(0)
    requestAnimationFrame(frame)
  }
  requestAnimationFrame(frame)
})()`

const measure = (count: number) =>
  Effect.gen(function*() {
    const { url } = yield* Crowd.serve(count)
    const { page } = yield* Browser.open(url)
    yield* Effect.promise(() => page.locator("section.members tbody tr").nth(count - 1).waitFor())
    yield* Effect.promise(() => page.evaluate(watch))
    yield* Effect.sleep(seconds * 1_000)
    const frames = yield* Effect.promise(() => page.evaluate<Array<number>>("globalThis.frames_"))
    return frames.toSorted((a, b) => a - b)
  }).pipe(Effect.scoped)

/** Prints a table in Markdown. */
export const page = async (): Promise<void> => {
  console.log("| members | frames a second | median | 95th percentile | worst |\n| --- | --- | --- | --- | --- |")
  for (const count of [5, 50, 200]) {
    const frames = await Effect.runPromise(measure(count))
    const at = (part: number) =>
      `${(frames[Math.min(frames.length - 1, Math.floor(part * frames.length))] ?? 0).toFixed(1)} ms`
    console.log(`| ${count} | ${Math.round(frames.length / seconds)} | ${at(0.5)} | ${at(0.95)} | ${at(1)} |`)
  }
}
