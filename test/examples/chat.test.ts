/**
 * The example of a chat, as its users run it: a server and two people, the package by its name and from `dist`.
 */
import { afterEach, assert, describe, it } from "@effect/vitest"
import * as Process from "./Process.ts"

const started: Array<Process.Process> = []

afterEach(async () => {
  for (const one of started) one.kill("SIGKILL")
  await Promise.all(started.map(({ ended }) => ended))
})

describe("the example of a chat", () => {
  it.runIf(Process.runsTypeScript)(
    "carries what one says to the other and to the server, in order",
    async () => {
      const start = (name: string) => {
        const one = Process.start("examples/chat/main.ts", [name], {
          BELLWETHER_GROUP: `chat-${process.pid}`,
          BELLWETHER_PORT: String(20_000 + process.pid % 20_000),
          BELLWETHER_INTERFACES: "lo",
          BELLWETHER_TTL: "0",
          BELLWETHER_PROFILE: "fast"
        }, "pipe")
        started.push(one)
        return one
      }
      const host = start("host")
      const [alice, bob] = [start("alice"), start("bob")]
      await alice.line("joined")
      await bob.line("joined")
      alice.type("hello\n\nhow are you?\n")
      for (const who of [host, bob]) {
        await who.line("alice: hello")
        assert.strictEqual(await who.line("alice:"), "alice: how are you?")
      }
      // At the end of its input: what is said last is acknowledged, then it goes.
      bob.type("well!\n", "end")
      assert.strictEqual(await bob.ended, 0, bob.said())
      await alice.line("bob: well!")
      alice.kill("SIGTERM")
      assert.strictEqual(await alice.ended, 0, alice.said())
      host.kill("SIGTERM")
      assert.strictEqual(await host.ended, 0, host.said())
    }
  )
})
