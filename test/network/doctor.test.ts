/**
 * What `doctor` finds between two hosts, each a network namespace, that loopback cannot show: a host that multicast does
 * not reach while unicast does.
 */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { execFileSync, spawn, spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Diagnosis from "../../src/status/Diagnosis.ts"
import * as Process from "../cli/process.ts"

// Why the test cannot run here, if so, in plain words.
const obstacle = process.platform !== "linux" || process.getuid?.() !== 0
  ? "needs Linux and root"
  : spawnSync("unshare", ["-n", "iptables", "-L", "-n"]).status !== 0
  ? "needs network namespaces and iptables"
  : undefined

const env = {
  BELLWETHER_GROUP: `doctor-${process.pid}`,
  BELLWETHER_PORT: "47711",
  BELLWETHER_PROFILE: "fast"
}
const decode = Schema.decodeUnknownSync(Diagnosis.Report)

/** A network of its own. It goes, with its links, when its last process does. */
const host = Effect.acquireRelease(
  Effect.sync(() => spawn("unshare", ["-n", "sleep", "300"], { stdio: "ignore" })),
  (child) => Effect.sync(() => void child.kill("SIGKILL"))
).pipe(
  Effect.map(({ pid = 0 }) => pid),
  Effect.tap((pid) =>
    Effect.suspend(() =>
      Fs.readlinkSync(`/proc/${pid}/ns/net`) === Fs.readlinkSync("/proc/self/ns/net")
        ? Effect.fail("still on ours")
        : Effect.void
    ).pipe(Effect.retry(Schedule.max([Schedule.spaced("20 millis"), Schedule.recurs(200)])), Effect.orDie)
  )
)

const on = (pid: number, command: string) =>
  Effect.sync(() => void execFileSync("nsenter", ["-t", String(pid), "-n", ...command.split(" ")]))

/**
 * A link is up some time after it was told to be. A server that starts before has only the loopback, and announces that
 * for life.
 */
const isUp = (pid: number) =>
  Effect.sync(() =>
    execFileSync("nsenter", ["-t", String(pid), "-n", "ip", "-o", "link", "show", "eth0"], { encoding: "utf8" })
      .includes("state UP")
  ).pipe(
    Effect.repeat({ until: (up) => up, schedule: Schedule.upTo(Schedule.spaced("50 millis"), { times: 400 }) })
  )

/** It ends as soon as all is known; on a busy machine that takes longer than a heartbeat. */
const doctor = Effect.fnUntraced(function*(pid: number) {
  const { code, stderr, stdout } = yield* Effect.scoped(
    Effect.flatMap(
      Process.startOnNetworkOf(pid, ["doctor", "--json", "--timeout", "8s"], env),
      (running) => running.ended
    )
  )
  assert.strictEqual(stderr, "")
  const { findings, observations } = decode(JSON.parse(stdout))
  return { code, findings, observations, kinds: findings.map(({ finding }) => finding) }
})

it.live.skipIf(obstacle !== undefined)(
  `a host that multicast does not reach while unicast does is found as one-way (protocol 4.4)${
    obstacle === undefined ? "" : `: ${obstacle}`
  }`,
  () =>
    Effect.gen(function*() {
      const a = yield* host
      const b = yield* host
      yield* on(a, `ip link add eth0 type veth peer name eth0 netns ${b}`)
      for (const [pid, ip] of [[a, "192.0.2.1"], [b, "192.0.2.2"]] as const) {
        yield* on(pid, "ip link set lo up")
        yield* on(pid, `ip addr add ${ip}/24 dev eth0`)
        yield* on(pid, "ip link set eth0 up")
      }
      yield* Effect.forEach([a, b], isUp)
      const serve = (pid: number, name: string, priority: string) =>
        Process.startOnNetworkOf(pid, ["serve", "--json", "--name", name, "--priority", priority], env)
      const alpha = yield* serve(a, "alpha", "2")
      const beta = yield* serve(b, "beta", "1")
      yield* alpha.event("MemberJoined")
      yield* beta.event("LeaderChanged", ({ leader }) => leader?.name === "alpha")
      const well = yield* doctor(b)
      assert.deepStrictEqual([well.code, well.kinds], [0, []])

      // A switch that forgot that b is in the group.
      yield* on(b, "iptables -A INPUT -s 192.0.2.1 -d 239.255.77.77 -j DROP")
      yield* beta.event("UnicastOnly")
      const deaf = yield* doctor(b)
      assert.deepStrictEqual([deaf.code, deaf.kinds], [1, ["OneWay"]])
      assert.match(deaf.findings[0]?.says ?? "", /^alpha \(192\.0\.2\.1:\d+\) answers by unicast/)
      const heard = deaf.observations.servers.find(({ name }) => name === "beta")
      assert.isTrue(heard?.local === true && heard.multicast !== null)
      // From a, all is well: b is heard there.
      const other = yield* doctor(a)
      assert.deepStrictEqual([other.code, other.kinds], [0, []])

      // A firewall that keeps all multicast out, one's own too.
      yield* on(b, "iptables -A INPUT -d 239.255.77.77 -j DROP")
      const walled = yield* doctor(b)
      assert.deepStrictEqual([walled.code, walled.kinds], [1, ["OwnMulticastLost", "OneWay"]])
      assert.deepStrictEqual(walled.findings[0]?.about, ["eth0 (192.0.2.2)"])
    }).pipe(Effect.scoped),
  120_000
)
