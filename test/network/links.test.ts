/**
 * Crash links between real processes, in the profile `standard`: there, what is known within seconds is known by links, as
 * members are removed after half a minute of silence (protocol, crash links).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Process from "../cli/process.ts"
import * as Lan from "./Lan.ts"
import { allSeeAll, evicted, leaderOf, sees } from "./Views.ts"

Process.goFirst()

type Servers = Readonly<Record<string, Process.Running>>

const flags = (name: string, ...more: ReadonlyArray<string>) => [
  "--json",
  "--name",
  name,
  "--priority",
  name.slice(1),
  ...more
]

/** What others say of how one ended. */
const endOf = (server: Process.Running, name: string) => {
  const removed = server.events.findLast((event) => event.event === "MemberRemoved" && event.member.name === name)
  return removed?.event === "MemberRemoved" ? removed.reason : undefined
}

const without = (servers: Servers, name: string): Servers =>
  Object.fromEntries(Object.entries(servers).filter(([other]) => other !== name))

/** Waits until all follow one of themselves: which, is not what these tests are about, and on a busy host it may be any. */
const agree = Effect.fnUntraced(function*(servers: Servers) {
  const agreed = () => {
    const leaders = new Set(Object.values(servers).map(leaderOf))
    return leaders.size === 1 && Object.keys(servers).some((name) => leaders.has(name)) ? true : undefined
  }
  yield* Effect.raceAll(Object.values(servers).map((server) => server.until(agreed)))
})

/** Waits until all have removed one, and follow another. */
const agreeWithout = Effect.fnUntraced(function*(servers: Servers, gone: string) {
  for (const server of Object.values(servers)) {
    yield* server.until(() => endOf(server, gone) === undefined ? undefined : true)
  }
  yield* agree(servers)
})

/** The links of a process, by its sockets of TCP that are connected. */
const linksOf = ({ child: { pid } }: Process.Running): Effect.Effect<number> =>
  Effect.sync(() => {
    const folder = `/proc/${pid}/fd`
    const targets = new Set(
      Fs.readdirSync(folder).map((fd) => {
        try {
          return Fs.readlinkSync(`${folder}/${fd}`)
        } catch {
          // Closed meanwhile.
          return ""
        }
      })
    )
    const [established, stateAt, inodeAt] = ["01", 3, 9]
    const lines = ["tcp", "tcp6"].flatMap((file) => Fs.readFileSync(`/proc/${pid}/net/${file}`, "utf8").split("\n"))
    return lines.filter((line) => {
      const words = line.trim().split(/\s+/)
      return words[stateAt] === established && targets.has(`socket:[${words[inodeAt]}]`)
    }).length
  })

const untilLinks = (server: Process.Running, holds: (count: number) => boolean) =>
  linksOf(server).pipe(
    Effect.delay("20 millis"),
    Effect.repeat({ until: holds }),
    Effect.timeout("50 seconds"),
    Effect.orDie
  )

const haveLinks = (servers: ReadonlyArray<Process.Running>, least: number) =>
  Effect.forEach(servers, (server) => untilLinks(server, (count) => count >= least), { discard: true })

const byLinks = /refuses ports \d+ \(UDP\) and \d+ \(TCP\)/

/** Five on loopback, one of them without links, once all know all, and the links are up. */
const five = Effect.gen(function*() {
  const env = yield* Process.group
  const servers: Record<string, Process.Running> = {}
  for (const name of ["n1", "n2", "n3", "n4", "n5"]) {
    servers[name] = yield* Process.start(flags(name, ...name === "n1" ? ["--links", "off"] : []), env)
  }
  yield* agree(servers)
  yield* allSeeAll(servers)
  const { n1: _, n5: leader, ...others } = servers
  yield* haveLinks([leader!], 3)
  yield* haveLinks(Object.values(others), 2)
  return servers
})

describe.skipIf(process.platform !== "linux")("crash links on loopback (protocol, crash links)", () => {
  it.live(
    "kill -9 of the leader, then of a follower: all agree by the links, one has none and is told",
    () =>
      Effect.gen(function*() {
        const servers = yield* five
        yield* servers["n5"]!.kill("SIGKILL")
        const four = without(servers, "n5")
        yield* agreeWithout(four, "n5")
        yield* haveLinks([four["n2"]!, four["n3"]!, four["n4"]!], 2)
        yield* servers["n2"]!.kill("SIGKILL")
        const three = without(four, "n2")
        yield* agreeWithout(three, "n2")
        for (const gone of ["n5", "n2"]) {
          for (const [name, server] of Object.entries(three)) {
            const reason = endOf(server, gone)
            assert.strictEqual(reason?._tag, "Crashed", `${gone} by ${name}`)
            if (name !== "n1" && reason?._tag === "Crashed") assert.match(reason.evidence, byLinks)
          }
        }
        assert.deepStrictEqual(evicted(three), [])
      }).pipe(Effect.scoped),
    90_000
  )

  it.live("SIGSTOP breaks no link and evicts nobody by it, and SIGTERM is a goodbye", () =>
    Effect.gen(function*() {
      const servers = yield* five
      yield* servers["n3"]!.kill("SIGSTOP")
      yield* Effect.sleep("3 seconds")
      yield* servers["n3"]!.kill("SIGCONT")
      yield* servers["n5"]!.kill("SIGTERM")
      const four = without(servers, "n5")
      yield* agreeWithout(four, "n5")
      for (const server of Object.values(four)) {
        assert.strictEqual(endOf(server, "n5")?._tag, "Left")
        assert.isUndefined(endOf(server, "n3"))
      }
    }).pipe(Effect.scoped), 90_000)
})

/** Three hosts on a switch. */
const three = Effect.gen(function*() {
  const lan = yield* Lan.make
  const hosts = yield* Effect.forEach([1, 2, 3], (number) => lan.hostAt(`192.0.2.${number}/24`))
  return { lan, hosts: hosts as [Lan.Host, Lan.Host, Lan.Host] }
})

/** A server on each, once all know all and follow n3. */
const serversOn = Effect.fnUntraced(function*(hosts: ReadonlyArray<Lan.Host>, env: Record<string, string> = {}) {
  const servers: Record<string, Process.Running> = {}
  for (const [index, host] of hosts.entries()) servers[`n${index + 1}`] = yield* host.start(flags(`n${index + 1}`), env)
  yield* agree(servers)
  yield* allSeeAll(servers)
  return servers
})

/** All still see all, and nobody who ran was taken for gone meanwhile. */
const nobodyWasEvicted = (servers: Servers) => {
  for (const [name, server] of Object.entries(servers)) {
    assert.deepStrictEqual(sees(server), Object.keys(servers).filter((other) => other !== name))
  }
  assert.deepStrictEqual(evicted(servers), [])
}

describe.skipIf(Lan.skip)(`crash links between hosts${Lan.because}`, Lan.together, () => {
  it.live.each<readonly [how: string, env: Record<string, string>]>([
    ["without a key", {}],
    ["with a key", { BELLWETHER_KEY: "5e".repeat(32) }],
    ["over link-local addresses", { BELLWETHER_MULTICAST_ADDRESS: "ff02::b011" }]
  ])(
    "the process of the leader dies and its host lives: known by its links, %s",
    Effect.fnUntraced(function*([, env]) {
      const { hosts } = yield* three
      const servers = yield* serversOn(hosts, env)
      yield* haveLinks(Object.values(servers), 2)
      yield* servers["n3"]!.kill("SIGKILL")
      const two = without(servers, "n3")
      yield* agreeWithout(two, "n3")
      for (const server of Object.values(two)) {
        const reason = endOf(server, "n3")
        assert.match(reason?._tag === "Crashed" ? reason.evidence : "", byLinks)
      }
    }, Effect.scoped)
  )

  for (const how of ["tcp-reset", "icmp-port-unreachable"]) {
    it.live(
      `a firewall that rejects TCP alone (${how}), and resets the links: nobody is evicted`,
      Effect.fnUntraced(function*() {
        const { hosts } = yield* three
        const servers = yield* serversOn(hosts)
        yield* haveLinks(Object.values(servers), 2)
        for (const host of hosts) {
          const rule = ["INPUT", "!", "-i", "lo", "-p", "tcp", "-j", "REJECT", "--reject-with", how] as const
          yield* host.run("iptables", "-A", ...rule)
        }
        for (const host of hosts) yield* host.run("ss", "-K", "state", "established")
        yield* Effect.forEach(Object.values(servers), (server) => untilLinks(server, (count) => count === 0))
        // Longer than the questions take.
        yield* Effect.sleep("3 seconds")
        nobodyWasEvicted(servers)
        yield* servers["n3"]!.kill("SIGTERM")
        yield* agreeWithout(without(servers, "n3"), "n3")
      }, Effect.scoped)
    )
  }

  it.live(
    "a NAT that gives connections another address: no link is accepted, and nobody is evicted",
    Effect.fnUntraced(function*() {
      const { hosts } = yield* three
      for (const [index, host] of hosts.entries()) {
        yield* host.ip(`addr add 192.0.2.${index + 71}/24 dev eth0`)
        const rule = ["POSTROUTING", "-p", "tcp", "-j", "SNAT", "--to-source", `192.0.2.${index + 71}`] as const
        yield* host.run("iptables", "-t", "nat", "-A", ...rule)
      }
      const servers = yield* serversOn(hosts)
      yield* Effect.sleep("4 seconds")
      for (const server of Object.values(servers)) assert.strictEqual(yield* linksOf(server), 0)
      nobodyWasEvicted(servers)
    }, Effect.scoped)
  )

  it.live(
    "a cable that is pulled breaks no link, and one that moves to another address is refused by nobody",
    Effect.fnUntraced(function*() {
      const { hosts, lan } = yield* three
      const servers = yield* serversOn(hosts)
      yield* haveLinks(Object.values(servers), 2)
      yield* lan.disconnect(hosts[0], "eth0")
      yield* Effect.sleep("2 seconds")
      yield* lan.connect(hosts[0], "eth0", "br0")
      nobodyWasEvicted(servers)
      yield* hosts[0].ip("addr add 192.0.2.9/24 dev eth0")
      yield* hosts[0].ip("addr del 192.0.2.1/24 dev eth0")
      yield* hosts[0].ip("addr replace 192.0.2.9/24 dev eth0")
      // Its former address is another's now, where nobody listens.
      yield* hosts[1].ip("addr add 192.0.2.1/24 dev eth0")
      const moved = (server: Process.Running) => server.event("MemberMoved", ({ member }) => member.name === "n1")
      yield* moved(servers["n2"]!)
      yield* moved(servers["n3"]!)
      yield* Effect.sleep("3 seconds")
      nobodyWasEvicted(servers)
    }, Effect.scoped)
  )
})
