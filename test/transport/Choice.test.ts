import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { absent, choose } from "../../src/transport/interfaces/Choice.ts"
import { Interfaces, systemOf } from "../../src/transport/interfaces/Interfaces.ts"
import type { SystemInterface } from "../../src/transport/interfaces/SystemInterface.ts"
import { isVirtual } from "../../src/transport/interfaces/VirtualNames.ts"
import * as NodeInterfaces from "../../src/transport/node/NodeInterfaces.ts"

const addressOn = (name: string, address: string, prefixLength = 24): SystemInterface => ({
  name,
  address,
  prefixLength,
  internal: false
})
const lo: SystemInterface = { name: "lo", address: "127.0.0.1", prefixLength: 8, internal: true }
const eth0 = addressOn("eth0", "192.0.2.5")
const eth0Second = addressOn("eth0", "192.0.2.6")
const eth0Label = addressOn("eth0:1", "192.0.2.7")
const wlan0 = addressOn("wlan0", "198.51.100.5")
const docker0 = addressOn("docker0", "172.17.0.1", 16)
const usb0 = addressOn("usb0", "169.254.10.1", 16)

const lo6: SystemInterface = {
  name: "lo",
  address: "::1",
  prefixLength: 128,
  internal: true
}
const ipv6On = (name: string, address: string): SystemInterface => ({
  name,
  address,
  prefixLength: 64,
  internal: false,
  index: 7
})
const eth0Global = ipv6On("eth0", "2001:db8::5")
const eth0Link = ipv6On("eth0", "fe80::5%eth0")
const wlan0Link = ipv6On("wlan0", "fe80::6%wlan0")
const both = [lo, eth0, wlan0, lo6, eth0Global, eth0Link, wlan0Link]

const choices: ReadonlyArray<{
  readonly rule: string
  readonly system: ReadonlyArray<SystemInterface>
  readonly named?: ReadonlyArray<string>
  readonly defaultRoute?: string
  readonly family?: "IPv4" | "IPv6"
  readonly linkLocal?: boolean
  readonly chosen: ReadonlyArray<SystemInterface>
}> = [
  { rule: "takes all that are up, in the order of the system", system: [lo, eth0, wlan0], chosen: [eth0, wlan0] },
  { rule: "takes no address of another family", system: both, chosen: [eth0, wlan0] },
  {
    rule: "takes an address of IPv6 that somebody assigned, else that of the link",
    system: both,
    family: "IPv6",
    chosen: [eth0Global, wlan0Link]
  },
  {
    rule: "takes the address of the link first for a group that stays on it",
    system: both,
    family: "IPv6",
    linkLocal: true,
    defaultRoute: "wlan0",
    chosen: [wlan0Link, eth0Link]
  },
  {
    rule: "takes the address of IPv6 that is named, with its zone or without",
    system: both,
    family: "IPv6",
    named: ["fe80::5", "fe80::6%wlan0"],
    chosen: [eth0Link, wlan0Link]
  },
  {
    rule: "knows an interface by its address of the other family",
    system: both,
    family: "IPv6",
    named: ["192.0.2.5"],
    chosen: [eth0Global]
  },
  { rule: "takes the loopback of IPv6 where there is no other", system: [lo, lo6], family: "IPv6", chosen: [lo6] },
  { rule: "takes the loopback where there is no other", system: [lo], chosen: [lo] },
  { rule: "takes the loopback where all others are virtual", system: [lo, docker0], chosen: [lo] },
  { rule: "leaves out a bridge of containers", system: [lo, docker0, eth0], chosen: [eth0] },
  {
    rule: "puts the interface of the default route first",
    system: [lo, eth0, wlan0],
    defaultRoute: "wlan0",
    chosen: [wlan0, eth0]
  },
  {
    rule: "keeps the order where the default route goes elsewhere",
    system: [lo, eth0, wlan0],
    defaultRoute: "tun0",
    chosen: [eth0, wlan0]
  },
  { rule: "takes one address an interface", system: [lo, eth0, eth0Second, eth0Label], chosen: [eth0] },
  { rule: "puts an address that nobody assigned last", system: [lo, usb0, eth0], chosen: [eth0, usb0] },
  { rule: "takes only what is named", system: [lo, eth0, wlan0], named: ["wlan0"], chosen: [wlan0] },
  {
    rule: "takes what is virtual when it is named",
    system: [lo, eth0, docker0],
    named: ["docker0"],
    chosen: [docker0]
  },
  { rule: "knows an interface by its address", system: [lo, eth0, wlan0], named: ["198.51.100.5"], chosen: [wlan0] },
  {
    rule: "takes the address that is named of several on one interface",
    system: [lo, eth0, eth0Second],
    named: ["192.0.2.6"],
    chosen: [eth0Second]
  },
  {
    rule: "takes an interface once when it is named twice",
    system: [lo, eth0, wlan0],
    named: ["wlan0", "eth0", "198.51.100.5"],
    chosen: [wlan0, eth0]
  },
  {
    rule: "puts the default route first among the named ones too",
    system: [lo, eth0, wlan0],
    named: ["lo", "wlan0"],
    defaultRoute: "wlan0",
    chosen: [wlan0, lo]
  }
]

describe("the choice of interfaces (protocol 2)", () => {
  for (const { chosen, defaultRoute, named, rule, system, ...rest } of choices) {
    it(rule, () => {
      const result = choose({
        system: systemOf(system, { defaultRoute: Option.fromNullishOr(defaultRoute) }),
        named: named ?? [],
        ...rest
      })
      assert.deepStrictEqual(Result.getOrThrow(result), chosen)
    })
  }

  for (const named of ["eth7", "203.0.113.1", "eth0 ", ""]) {
    it(`refuses ${JSON.stringify(named)} alone and names those that are there; takes another that is there beside it`, () => {
      const system = systemOf([lo, eth0])
      const failed = Option.getOrThrow(
        Result.getFailure(choose({ system, named: [named] }))
      )
      assert.strictEqual(failed.kind, "NoSuchInterface")
      assert.include(failed.message, `${named} (there is: lo 127.0.0.1, eth0 192.0.2.5)`)
      const others = choose({ system, named: ["lo", named] })
      assert.deepStrictEqual(Result.getOrThrow(others), [lo])
      assert.deepStrictEqual(absent({ system, named: ["lo", named], families: ["IPv4"] }), [named])
    })
  }

  it("a named interface is there if it has an address of a family of the group", () => {
    const link: SystemInterface = { ...eth0, address: "fe80::1%eth0", prefixLength: 64 }
    const named = ["lo", "eth0", "192.0.2.5", "fe80::1", "fe80::1%eth0"]
    const of = (...families: ReadonlyArray<NetAddress.IpFamily>) =>
      absent({ system: systemOf([lo, eth0, link]), named, families })
    assert.deepStrictEqual(of("IPv4"), [])
    assert.deepStrictEqual(of("IPv6"), ["lo"])
    assert.deepStrictEqual(of("IPv4", "IPv6"), [])
  })

  it("refuses an interface that has no address of the family", () => {
    const result = choose({ system: systemOf([lo, eth0]), named: ["eth0"], family: "IPv6" })
    assert.include(
      Option.getOrThrow(Result.getFailure(result)).message,
      "eth0 (there is: no IPv6 interface that is up)"
    )
  })

  it("refuses if there is no interface at all", () => {
    const result = choose({ system: systemOf([]), named: [] })
    assert.strictEqual(Option.getOrThrow(Result.getFailure(result)).kind, "NoSuchInterface")
  })

  it.effect("finds the loopback of this machine", () =>
    Effect.gen(function*() {
      const { scan } = yield* Interfaces
      const system = yield* scan
      const [found] = Result.getOrThrow(choose({ system, named: ["127.0.0.1"] }))
      assert.isTrue(found.internal)
      const names = system.addresses.map((one) => one.name)
      assert.isTrue(Option.isNone(system.defaultRoute) || names.includes(system.defaultRoute.value))
      assert.strictEqual(yield* scan, system)
    }).pipe(Effect.provide(NodeInterfaces.layer)))
})

describe("virtual interfaces (protocol 2)", () => {
  const left = [
    "docker0",
    "br-0a1b2c3d4e5f",
    "docker_gwbridge",
    "veth12ab",
    "cni0",
    "cali0123",
    "flannel.1",
    "virbr0",
    "vmnet8",
    "vboxnet0",
    "vEthernet (WSL)",
    "vEthernet (WSL (Hyper-V firewall))",
    "tun0",
    "tap0",
    "utun3",
    "wg0",
    "tailscale0",
    "ztabcdef",
    "awdl0"
  ]
  for (const name of left) it(`leaves out ${name}`, () => assert.isTrue(isVirtual(name)))
  const taken = [
    "eth0",
    "ens3",
    "enp0s31f6",
    "wlan0",
    "wlp2s0",
    "en0",
    "br0",
    "bond0",
    "eno1.100",
    "Ethernet",
    "Wi-Fi",
    "lo"
  ]
  for (const name of taken) it(`takes ${name}`, () => assert.isFalse(isVirtual(name)))
})
