/** The example of an app with routes of its own beside those of the API, as its user runs it: two processes on loopback. */
import { afterEach, assert, describe, it } from "@effect/vitest"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import * as Process from "./Process.ts"

const started: Array<Process.Process> = []

afterEach(async () => {
  for (const one of started) one.kill("SIGKILL")
  await Promise.all(started.map(({ ended }) => ended))
})

/** A port that is free now. */
const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

const start = (file: string, args: ReadonlyArray<string>, priority: number) => {
  const one = Process.start(`examples/orders-api/${file}`, args, {
    BELLWETHER_GROUP: `orders-${process.pid}`,
    BELLWETHER_PORT: String(20_000 + process.pid % 20_000),
    BELLWETHER_INTERFACES: "lo",
    BELLWETHER_TTL: "0",
    BELLWETHER_PROFILE: "fast",
    BELLWETHER_NAME: `priority-${priority}`,
    BELLWETHER_PRIORITY: String(priority)
  })
  started.push(one)
  return one
}

describe("the example of an app with an API", () => {
  it.runIf(Process.runsTypeScript)(
    "serves its own routes and ours from one port, and a client follows the leader",
    async () => {
      const [high, low] = [await freePort(), await freePort()]
      const first = start("main.ts", [String(high)], 2)
      await first.line("Listening")
      const follower = start("follow.ts", [`http://127.0.0.1:${low}`], 0)
      start("main.ts", [String(low)], 1)
      await follower.line("priority-2 leads")
      const order = await fetch(`http://127.0.0.1:${high}/orders`, { method: "POST" })
      assert.strictEqual(order.status, 201)
      assert.match(await order.text(), /^order \d{16}-\d{10}-[0-9a-f]{16}-1\n$/)
      assert.strictEqual((await fetch(`http://127.0.0.1:${low}/orders`, { method: "POST" })).status, 503)
      assert.strictEqual((await fetch(`http://127.0.0.1:${low}/health/leader`)).status, 503)
      let served = false
      const report = fetch(`http://127.0.0.1:${high}/report`).finally(() => served = true)
      await first.line("A report is asked for")
      first.kill("SIGTERM")
      await follower.line("priority-1 leads")
      assert.isFalse(served, "the lead has moved while a request is still served")
      assert.strictEqual(await (await report).text(), "all orders\n")
      assert.strictEqual((await fetch(`http://127.0.0.1:${low}/orders`, { method: "POST" })).status, 201)
    }
  )
})
