/**
 * Servers whose addresses change while they run, or come after them (protocol, Where a server is).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { randomInt } from "node:crypto"
import type * as Process from "../cli/process.ts"
import * as Lan from "./Lan.ts"
import { allFollow, allSeeAll, evicted, flags, follows, since, tells } from "./Views.ts"

const wrong = (servers: Readonly<Record<string, Process.Running>>) =>
  Object.values(servers).flatMap(({ events }) =>
    events.filter(({ event }) => event === "DuplicateIdentity" || event === "FiberDied")
  )

const idOf = (server: Process.Running) => Effect.map(server.event("Started"), ({ self }) => self.id)

interface Answer {
  readonly leader: { readonly name: string; readonly ip: string } | null
}

/** Who leads, as a program on a host is told that only asks; asked again until it is told of an address. */
const leaderAt = (host: Lan.Host, ip: string, args: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const asker = yield* host.start(["leader", "--json", ...args])
    const { code, stderr, stdout } = yield* asker.ended
    assert.strictEqual(code, 0, stderr)
    const answer: Answer = JSON.parse(stdout)
    return answer.leader?.ip === ip ? answer.leader : yield* Effect.fail(answer)
  }).pipe(Effect.retry(Schedule.max([Schedule.spaced("200 millis"), Schedule.recurs(20)])), Effect.orDie)

describe.skipIf(Lan.skip)(`hosts whose addresses change${Lan.because}`, Lan.together, () => {
  it.live(
    "two of one image that start before their network, with one name and port: each is in the view of the other, and it is told that all can join",
    Effect.fnUntraced(function*() {
      const lan = yield* Lan.make
      const [atOne, atOther] = [yield* lan.host, yield* lan.host]
      const port = ["--unicast-port", String(randomInt(20_000, 30_000))]
      const one = yield* atOne.start(flags("one", 2, ...port))
      const other = yield* atOther.start(flags("other", 1, ...port))
      yield* follows(one, "one")
      yield* follows(other, "other")
      assert.notStrictEqual(yield* idOf(one), yield* idOf(other))
      yield* atOne.plug("eth0", "br0", ["192.0.2.1/24"])
      yield* atOther.plug("eth0", "br0", ["192.0.2.2/24"])
      yield* allSeeAll({ one, other })
      yield* allFollow([one, other], "one")
      const told = yield* one.event("Unprotected")
      assert.deepStrictEqual(told.interfaces, ["eth0"])
      const moved = yield* one.event("MemberMoved", ({ member }) => member.name === "one")
      assert.strictEqual(moved.member.ip, "192.0.2.1")
      yield* leaderAt(atOther, "192.0.2.1", [])
      const heard = other.events.flatMap((event) =>
        "member" in event && event.member.name === "one" ? [event.member.ip] : []
      )
      assert.deepStrictEqual([...new Set(heard)], ["192.0.2.1"])
      assert.deepStrictEqual(wrong({ one, other }), [])
    }, Effect.scoped)
  )

  it.live(
    "without multicast, a newcomer and who only asks are told where a leader is that came after its start, and where it moves to; it leads on",
    Effect.fnUntraced(function*() {
      const lan = yield* Lan.make
      const atSeed = yield* lan.hostAt("192.0.2.1/24")
      const atLeader = yield* lan.host
      const port = String(randomInt(20_000, 30_000))
      const seeds = ["--multicast", "off", "--seeds", `192.0.2.1:${port}`]
      // Patient enough for the next look at the interfaces, also with the leader.
      const patient = ["--member-timeout", "10s", "--leader-interval", "500ms", "--unicast-port", port, ...seeds]
      const leader = yield* atLeader.start(flags("leader", 2, ...patient))
      const seed = yield* atSeed.start(flags("seed", 1, ...patient))
      yield* follows(seed, "seed")
      yield* atLeader.plug("eth0", "br0", ["192.0.2.2/24"])
      yield* allFollow([leader, seed], "leader")
      yield* leaderAt(atSeed, "192.0.2.2", seeds)

      const later = since(seed)
      yield* atLeader.ip("addr flush dev eth0")
      yield* atLeader.ip("addr add 192.0.2.22/24 dev eth0")
      yield* tells(leader, () => leader.events, "eth0 192.0.2.22 is back")
      yield* seed.event("MemberMoved", ({ member }) => member.ip === "192.0.2.22")
      const atNewcomer = yield* lan.hostAt("192.0.2.3/24")
      const newcomer = yield* atNewcomer.start(flags("newcomer", 0, ...patient))
      yield* allSeeAll({ leader, newcomer, seed })
      yield* follows(newcomer, "leader")
      yield* leaderAt(atNewcomer, "192.0.2.22", seeds)
      assert.deepStrictEqual(later().filter(({ event }) => event === "LeaderChanged"), [])
      assert.deepStrictEqual(evicted({ leader, newcomer, seed }), [])
      assert.deepStrictEqual(wrong({ leader, newcomer, seed }), [])
    }, Effect.scoped)
  )
})
