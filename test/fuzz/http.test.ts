/** Hostile requests against `serve --http`: none brings it down or gets an error of the server's, and none changes anything. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { connect } from "node:net"
import * as Process from "../cli/process.ts"
import { Chance } from "./Chance.ts"
import * as HostileRequest from "./HostileRequest.ts"

const token = "0123456789abcdef"
const requests = 2_000
/** No longer than so, in ms: on a slow machine there are fewer requests. */
const longest = 60_000
/** So long an answer is waited for, in ms, where the request may be one that does not end. */
const patience = 1_000

/** What a server answers to these bytes until it closes: of a stream the head. */
const answer = (port: number, bytes: Buffer) =>
  Effect.callback<string>((resume) => {
    const socket = connect(port, "127.0.0.1")
    let all = ""
    const end = () => {
      socket.destroy()
      resume(Effect.succeed(all))
    }
    socket.setTimeout(patience, end)
    socket.on("close", end).on("error", () => {}).on("data", (data) => {
      all += data.toString("latin1")
      if (/^content-type: text\/event-stream/m.test(all)) end()
    })
    socket.write(bytes)
    return Effect.sync(() => socket.destroy())
  })

/** What of an answer must not be, if anything. */
const wrong = (text: string, { isForeign, line }: HostileRequest.Hostile): string | null => {
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0)
  const isOfHealth = /^(GET|HEAD) \S*\/health\/+(live|ready|leader)/i.test(line)
  if (status >= 500 && !(status === 503 && isOfHealth) && status !== 505) return "an error of the server's"
  if (/\n\s+at .*:\d+:\d+|node_modules|file:\/\//.test(text)) return "a look inside"
  // The description of the API is the same everywhere: it says nothing of a server.
  if (isForeign && !text.includes("\"openapi\":") && /"(group|reigns|ok)":|text\/event-stream/.test(text)) {
    return "told to a foreigner"
  }
  if (text.includes(token)) return "the token"
  return null
}

describe("hostile requests", () => {
  it.live("get no error of the server's, learn nothing that they may not, and change nothing", () =>
    Effect.gen(function*() {
      const env = yield* Process.group
      // With the default times a pause of a busy machine is no reason to lead anew, which would look like a change.
      const server = yield* Process.start(["--json", "--http", "127.0.0.1:0"], {
        ...env,
        BELLWETHER_HTTP_TOKEN: token
      })
      const host = yield* server.until(() => /the page is at http:\/\/(127\.0\.0\.1:\d+)/.exec(server.stderr)?.[1])
      const port = Number(host.split(":")[1])
      yield* server.event("LeaderChanged", ({ leader }) => leader !== null)
      const status = Effect.promise(async () => {
        const { elections, members, sequence } = await (await fetch(`http://${host}/api/group`)).json() as {
          readonly sequence: string
          readonly members: ReadonlyArray<unknown>
          readonly elections: ReadonlyArray<Record<string, unknown>>
        }
        return { members: members.length, sequence, elections }
      })
      const before = yield* status
      const chance = new Chance(12)
      const seen = new Map<string, number>()
      const until = performance.now() + longest
      const some = Effect.forEach(Array.from({ length: 8 }), () =>
        Effect.gen(function*() {
          const hostile = HostileRequest.request(chance, { host, token })
          const text = yield* answer(port, hostile.bytes)
          const code = text.slice(9, 12)
          seen.set(code, (seen.get(code) ?? 0) + 1)
          const found = wrong(text, hostile)
          if (found !== null) assert.fail(`${found}: ${hostile.line}\n${hostile.bytes.toString("latin1")}\n\n${text}`)
        }), { concurrency: "unbounded", discard: true })
      for (let n = 0; n < requests && performance.now() < until; n += 8) yield* some
      assert.deepStrictEqual(yield* status, before)
      for (const code of ["200", "400", "401", "403", "404", "405", "413", "415"]) {
        assert.isAbove(seen.get(code) ?? 0, 0, code)
      }
      assert.strictEqual(server.stderr.trimEnd().split("\n").length, 1, server.stderr)
      yield* server.kill("SIGTERM")
      assert.strictEqual((yield* server.ended).code, 0)
    }))
})
