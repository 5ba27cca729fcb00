import { assert, it } from "@effect/vitest"
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { afterEach } from "vitest"

const hostProgram = fileURLToPath(new URL("host.ts", import.meta.url))

// Why the test cannot run here, if so, in plain words.
const obstacle = process.platform !== "linux" || process.getuid?.() !== 0
  ? "needs Linux and root"
  : spawnSync("ip", ["-V"]).status !== 0 || spawnSync("unshare", ["-n", "true"]).status !== 0
  ? "needs ip and network namespaces"
  : !process.features.typescript
  ? "needs a Node that runs TypeScript"
  : undefined

const started: Array<ChildProcess> = []
afterEach(() => {
  // The namespaces and their links go with their last process.
  for (const child of started.splice(0)) child.kill("SIGKILL")
})

interface Host {
  readonly pid: number
  /** Runs `ip` in the namespace of the host. */
  readonly ip: (words: string) => void
  /** Waits for the next line that has this in it. */
  readonly says: (...parts: ReadonlyArray<string>) => Promise<string>
}

const startHost = (name: string): Host => {
  const child = spawn("unshare", [
    "-n",
    "sh",
    "-c",
    `ip link set lo up; exec "$0" "$1" "$2"`,
    process.execPath,
    hostProgram,
    name
  ], {
    stdio: ["ignore", "pipe", "inherit"]
  })
  started.push(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const pid = child.pid!
  return {
    pid,
    ip: (words) => void execFileSync("nsenter", ["-t", String(pid), "-n", "ip", ...words.split(" ")]),
    says: async (...parts) => {
      while (true) {
        const { done, value } = await lines.next()
        if (done === true) throw new Error(`${name} ended before it said ${parts.join(" ")}`)
        if (parts.every((part) => value.includes(part))) return value
      }
    }
  }
}

it.skipIf(obstacle !== undefined)(
  `two hosts that start with no network find each other when it comes, and again after it was gone (protocol 2)${
    obstacle === undefined ? "" : `: ${obstacle}`
  }`,
  { timeout: 60_000 },
  async () => {
    const a = startHost("a")
    const b = startHost("b")
    for (const host of [a, b]) assert.include(await host.says("opened"), `"interface":"lo"`)

    a.ip(`link add eth0 type veth peer name eth0 netns ${b.pid}`)
    a.ip("addr add 192.0.2.1/24 dev eth0")
    b.ip("addr add 192.0.2.2/24 dev eth0")
    for (const host of [a, b]) host.ip("link set eth0 up")
    await a.says("NetworkChanged", "eth0 192.0.2.1 came")
    await b.says("NetworkChanged", "eth0 192.0.2.2 came")
    const heard = `{"heard":"b","from":"192.0.2.2","via":"multicast","direct":true}`
    assert.strictEqual(await a.says(`"heard":"b"`), heard)
    await b.says(`"heard":"a"`)

    b.ip("link set eth0 down")
    await a.says("NetworkChanged", "eth0 192.0.2.1 is gone")
    await b.says("NetworkChanged", "eth0 192.0.2.2 is gone")
    b.ip("link set eth0 up")
    await a.says("NetworkChanged", "eth0 192.0.2.1 is back")
    await b.says("NetworkChanged", "eth0 192.0.2.2 is back")
    assert.strictEqual(await a.says(`"heard":"b"`), heard)
    await b.says(`"heard":"a"`)
  }
)
