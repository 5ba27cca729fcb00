/**
 * Asking a group from its hosts while the host of its leader is cut off and nobody has noticed (protocol 3, MEMBERS_ASK).
 * Real time; in the profile `standard` a silent leader stays one for half a minute.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Lan from "./Lan.ts"
import { allFollow } from "./Views.ts"

const asksOn = (host: Lan.Host, env: Record<string, string>, ...args: ReadonlyArray<string>) =>
  Effect.scoped(Effect.flatMap(host.start([...args, "--json"], env), ({ ended }) => ended))

describe.skipIf(Lan.skip)(`asking a group whose leader is cut off${Lan.because}`, Lan.together, () => {
  it.live.each<readonly [how: string, env: Record<string, string>]>([
    ["by multicast", {}],
    ["with a key", { BELLWETHER_KEY: "5e".repeat(32) }],
    ["without multicast", {
      BELLWETHER_MULTICAST: "off",
      BELLWETHER_UNICAST_PORT: "47778",
      BELLWETHER_SEEDS: "192.0.2.1:47778,192.0.2.2:47778,192.0.2.3:47778"
    }]
  ])(
    "%s is answered by the others, and with --this-host by the own server and by nobody else's",
    Effect.fnUntraced(function*([, env]) {
      const lan = yield* Lan.make
      const [low, high, none] = [
        yield* lan.hostAt("192.0.2.1/24"),
        yield* lan.hostAt("192.0.2.2/24"),
        yield* lan.hostAt("192.0.2.9/24")
      ]
      // It is still followed while it is asked about.
      const patient = ["--json", "--leader-interval", "10s"]
      const follower = yield* low.start([...patient, "--name", "low", "--priority", "1"], env)
      const leader = yield* high.start([...patient, "--name", "high", "--priority", "2"], env)
      yield* allFollow([follower, leader], "high")
      yield* lan.disconnect(high, "eth0")

      for (const host of [low, none]) {
        for (const command of ["leader", "members"]) {
          const { code, stdout } = yield* asksOn(host, env, command)
          assert.strictEqual(code, 0)
          const answer = JSON.parse(stdout)
          assert.strictEqual(answer.leader.ip, "192.0.2.2")
          assert.strictEqual(answer.answeredBy.ip, "192.0.2.1")
        }
      }
      const here = (host: Lan.Host) => asksOn(host, env, "leader", "--this-host", "--timeout", "3s")
      for (const [host, ip] of [[low, "192.0.2.1"], [high, "192.0.2.2"]] as const) {
        const { code, stdout } = yield* here(host)
        assert.strictEqual(code, 0)
        assert.strictEqual(JSON.parse(stdout).answeredBy.ip, ip)
      }
      const { code, stderr } = yield* here(none)
      assert.strictEqual(code, 3)
      assert.match(stderr, /^bellwether: no server of group "default" on this host answered within 3000 ms /)
    }, Effect.scoped)
  )
})
