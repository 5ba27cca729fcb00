/**
 * What `doctor` finds between two hosts that loopback cannot show: a host that multicast does not reach while unicast does.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Diagnosis from "../../src/status/Diagnosis.ts"
import * as Lan from "./Lan.ts"
import { allFollow, allSeeAll, flags } from "./Views.ts"

const decode = Schema.decodeUnknownSync(Diagnosis.Report)

/** It ends as soon as all is known; on a busy machine that takes longer than a heartbeat. */
const doctor = Effect.fnUntraced(function*(host: Lan.Host, ...more: ReadonlyArray<string>) {
  const running = yield* host.start(["doctor", "--json", "--timeout", "8s", "--profile", "fast", ...more])
  const { code, stderr, stdout } = yield* running.ended
  assert.strictEqual(stderr, "")
  const { findings, observations } = decode(JSON.parse(stdout))
  return { code, findings, observations, kinds: findings.map(({ finding }) => finding) }
}, Effect.scoped)

describe.skipIf(Lan.skip)(`doctor between two hosts${Lan.because}`, Lan.together, () => {
  it.live.each([
    {
      family: "IPv4",
      tool: "iptables",
      group: "239.255.77.77",
      at: [["192.0.2.1/24"], ["192.0.2.2/24"]],
      says: /^alpha \(192\.0\.2\.1:\d+\) answers by unicast/
    },
    {
      family: "IPv6",
      tool: "ip6tables",
      group: "ff02::b011",
      at: [[], []],
      says: /^alpha \(\[fe80::[0-9a-f:]+\]:\d+\) answers by unicast/
    }
  ])(
    "a host that multicast does not reach while unicast does is found as one-way, in $family (protocol 4.4)",
    ({ at, family, group, says, tool }) =>
      Effect.gen(function*() {
        const lan = yield* Lan.make
        const [a, b] = [yield* lan.hostAt(...at[0]!), yield* lan.hostAt(...at[1]!)]
        const meeting = ["--multicast-address", group]
        const alpha = yield* a.start(flags("alpha", 2, ...meeting, "--unicast-port", "47778"))
        const beta = yield* b.start(flags("beta", 1, ...meeting))
        yield* allSeeAll({ alpha, beta })
        yield* allFollow([alpha, beta], "alpha")
        const address = family === "IPv4" ? "192.0.2.1" : yield* a.linkLocal("eth0")
        const seeds = ["--seeds", family === "IPv4" ? `${address}:47778` : `[${address}%eth0]:47778`]
        const well = yield* doctor(b, ...meeting, ...seeds)
        assert.deepStrictEqual([well.code, well.kinds], [0, []])

        // A switch that forgot that b is in the group.
        yield* b.run(tool, "-A", "INPUT", "-s", address, "-d", group, "-j", "DROP")
        yield* beta.event("UnicastOnly")
        // From a, all is well: b is heard there.
        const [deaf, other] = yield* Effect.all(
          [doctor(b, ...meeting), doctor(a, ...meeting)],
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual([deaf.code, deaf.kinds], [1, ["OneWay"]])
        assert.match(deaf.findings[0]?.says ?? "", says)
        const heard = deaf.observations.servers.find(({ name }) => name === "beta")
        assert.isTrue(heard?.local === true && heard.multicast !== null)
        assert.deepStrictEqual([other.code, other.kinds], [0, []])

        // A firewall that keeps all multicast out, one's own too.
        yield* b.run(tool, "-A", "INPUT", "-d", group, "-j", "DROP")
        const walled = yield* doctor(b, ...meeting)
        assert.deepStrictEqual([walled.code, walled.kinds], [1, ["OwnMulticastLost", "OneWay"]])
        const own = family === "IPv4" ? "192.0.2.2" : `${yield* b.linkLocal("eth0")}%eth0`
        assert.deepStrictEqual(walled.findings[0]?.about, [`eth0 (${own})`])
      }).pipe(Effect.scoped)
  )
})
