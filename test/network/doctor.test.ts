/**
 * What `doctor` finds between two hosts that loopback cannot show: a host that multicast does not reach while unicast does.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Diagnosis from "../../src/doctor/Diagnosis.ts"
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
      group: "239.255.253.87",
      networks: [["192.0.2.1/24"], ["192.0.2.2/24"], ["192.0.2.3/24"], ["192.0.2.4/24"]],
      seed: "192.0.2.1",
      says: /^alpha \(192\.0\.2\.1:16984\) answers by unicast/
    },
    {
      family: "IPv6",
      tool: "ip6tables",
      group: "ff02::b011",
      networks: [["fe80::1/64"], ["fe80::2/64"], ["fe80::3/64"], ["fe80::4/64"]],
      seed: "[fe80::1%eth0]",
      says: /^alpha \(\[fe80::1\]:16984\) answers by unicast/
    }
  ])(
    "a host that multicast does not reach while unicast does is found as one-way, others are well, in $family (protocol 4.4)",
    Effect.fnUntraced(function*({ group, networks, says, seed, tool }) {
      const lan = yield* Lan.make
      const hosts: Array<Lan.Host> = []
      for (const addresses of networks) hosts.push(yield* lan.hostAt(...addresses))
      const [a, deaf, walled, idle] = hosts as [Lan.Host, Lan.Host, Lan.Host, Lan.Host]
      const [ofA = "", , ofWalled = ""] = networks.map(([address = ""]) => address.slice(0, address.indexOf("/")))
      const where = ["--multicast-address", group]
      const alpha = yield* a.start(flags("alpha", 3, ...where, "--unicast-port", "16984"))
      const beta = yield* deaf.start(flags("beta", 2, ...where))
      const gamma = yield* walled.start(flags("gamma", 1, ...where))
      yield* allSeeAll({ alpha, beta, gamma })
      yield* allFollow([alpha, beta, gamma], "alpha")
      // A switch that forgot that a host is in the group, and a firewall that keeps all multicast out, one's own too.
      yield* deaf.run(tool, "-A", "INPUT", "-s", ofA, "-d", group, "-j", "DROP")
      yield* walled.run(tool, "-A", "INPUT", "-d", group, "-j", "DROP")
      for (const server of [beta, gamma]) yield* server.event("UnicastOnly", ({ member }) => member.name === "alpha")

      const [ofDeaf, walledIn, beside, alone] = yield* Effect.all([
        doctor(deaf, ...where),
        doctor(walled, ...where),
        doctor(a, ...where),
        doctor(idle, ...where, "--seeds", `${seed}:16984`)
      ], { concurrency: "unbounded" })
      assert.deepStrictEqual([ofDeaf.code, ofDeaf.kinds], [1, ["OneWay"]], JSON.stringify(ofDeaf.findings))
      assert.match(ofDeaf.findings[0]?.says ?? "", says)
      const heard = ofDeaf.observations.servers.find(({ name }) => name === "beta")
      assert.isTrue(heard?.local === true && heard.multicast !== null)
      assert.strictEqual(walledIn.code, 1)
      assert.deepStrictEqual([...new Set(walledIn.kinds)], ["OwnMulticastLost", "OneWay"])
      const zone = ofWalled.includes(":") ? "%eth0" : ""
      assert.deepStrictEqual(walledIn.findings[0]?.about, [`eth0 (${ofWalled}${zone})`])
      // All are heard where nothing is in the way, beside a server and where none runs.
      for (const { code, findings, observations } of [beside, alone]) {
        assert.deepStrictEqual([code, findings], [0, []])
        assert.sameMembers(observations.servers.map(({ name }) => name), ["alpha", "beta", "gamma"])
      }
      assert.isNotNull(alone.observations.seeds[0]?.answered)
    }, Effect.scoped)
  )

  it.live(
    "a host whose firewall lets nothing in changes nothing for the others; doctor says there, and beside, which way is closed",
    Effect.fnUntraced(function*() {
      const lan = yield* Lan.make
      const hosts: Array<Lan.Host> = []
      for (const host of [1, 2, 3]) hosts.push(yield* lan.hostAt(`192.0.2.${host}/24`))
      const [a, b, deaf] = hosts as [Lan.Host, Lan.Host, Lan.Host]
      const where = ["--multicast-address", "239.255.253.89"]
      const alpha = yield* a.start(flags("alpha", 3, ...where))
      const beta = yield* b.start(flags("beta", 2, ...where))
      yield* allSeeAll({ alpha, beta })
      yield* allFollow([alpha, beta], "alpha")
      yield* deaf.run("iptables", "-A", "INPUT", "-i", "eth0", "-p", "udp", "-j", "DROP")
      const gamma = yield* deaf.start(flags("gamma", 1, ...where))
      yield* gamma.event("LeaderChanged", ({ leader }) => leader?.name === "gamma")
      const [there, beside] = yield* Effect.all([doctor(deaf, ...where), doctor(b, ...where)], {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual([there.code, there.kinds], [1, ["OwnMulticastLost", "NothingArrives"]])
      assert.strictEqual(beside.code, 1)
      const found = beside.findings.find(({ finding }) => finding === "HearsNobody")
      assert.match(found?.says ?? JSON.stringify(beside.findings), /^gamma \(192\.0\.2\.3:/)
      yield* allFollow([alpha, beta], "alpha")
    }, Effect.scoped)
  )

  it.live(
    "a host whose firewall lets in UDP and no TCP is found by a note, also from a host where no server runs (protocol, crash links)",
    Effect.fnUntraced(function*() {
      const lan = yield* Lan.make
      const [walled, refusing, idle] = [
        yield* lan.hostAt("192.0.2.1/24"),
        yield* lan.hostAt("192.0.2.2/24"),
        yield* lan.hostAt("192.0.2.3/24")
      ]
      const where = ["--multicast-address", "239.255.253.90"]
      yield* walled.run("iptables", "-A", "INPUT", "-i", "eth0", "-p", "tcp", "-j", "DROP")
      yield* refusing.run(
        "iptables",
        "-A",
        "INPUT",
        "-i",
        "eth0",
        "-p",
        "tcp",
        "-j",
        "REJECT",
        "--reject-with",
        "tcp-reset"
      )
      const alpha = yield* walled.start(flags("alpha", 2, ...where))
      const beta = yield* refusing.start(flags("beta", 1, ...where))
      yield* allSeeAll({ alpha, beta })
      yield* allFollow([alpha, beta], "alpha")
      const { code, findings, kinds } = yield* doctor(idle, ...where)
      assert.deepStrictEqual([code, kinds], [0, ["LinksBlocked", "LinksBlocked"]], JSON.stringify(findings))
      assert.match(findings[0]?.says ?? "", /^beta .* is refused \(port \d+\)/)
      assert.match(findings[1]?.says ?? "", /^alpha .* nothing answers a connection over TCP/)
    }, Effect.scoped)
  )

  it.live(
    "servers and seeds of both families are asked, each from an address of its own family (protocol 2)",
    Effect.fnUntraced(function*() {
      const lan = yield* Lan.make
      const one = yield* lan.hostAt("192.0.2.1/24", "fd51::1/64")
      const two = yield* lan.hostAt("192.0.2.2/24", "fd51::2/64")
      const where = ["--multicast-address", "239.255.253.87,ff05::b011"]
      const alpha = yield* one.start(flags("alpha", 2, ...where, "--unicast-port", "16984"))
      const beta = yield* two.start(flags("beta", 1, ...where))
      yield* allSeeAll({ alpha, beta })
      yield* allFollow([alpha, beta], "alpha")
      const { code, findings, observations } = yield* doctor(two, ...where, "--seeds", "[fd51::1]:16984")
      assert.deepStrictEqual([code, findings], [0, []])
      assert.isNotNull(observations.seeds[0]?.answered)
    }, Effect.scoped)
  )
})
