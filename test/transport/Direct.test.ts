import { assert, describe, it } from "@effect/vitest"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Forms from "../../src/settings/Forms.ts"
import { connected, isDirectBy, sourceFor } from "../../src/transport/interfaces/Direct.ts"
import { systemOf } from "../../src/transport/interfaces/Interfaces.ts"
import type { SystemInterface } from "../../src/transport/interfaces/SystemInterface.ts"
import * as Networks from "../../src/transport/Networks.ts"

const addressOn = (name: string, address: string, prefixLength = 24): SystemInterface => ({
  name,
  address,
  prefixLength,
  internal: false
})
const ipv6On = (name: string, address: string): SystemInterface => ({
  name,
  address,
  prefixLength: 64,
  internal: false,
  index: 7
})
const eth0 = addressOn("eth0", "192.0.2.5")
const docker0 = addressOn("docker0", "172.17.0.1", 16)
const eth0Global = ipv6On("eth0", "2001:db8::5")
const eth0Link = ipv6On("eth0", "fe80::5%eth0")
const system = systemOf([eth0, docker0, eth0Global, eth0Link])
const route = (device: string, network: string) => ({
  device,
  network: Option.getOrThrow(Forms.network.parse(network))
})

describe("directly connected (protocol 2)", () => {
  const table: ReadonlyArray<readonly [string, boolean]> = [
    ["192.0.2.1", true],
    ["192.0.2.255", true],
    ["192.0.3.1", false],
    ["127.0.0.1", true],
    ["127.8.8.8", true],
    ["128.0.0.1", false],
    ["172.17.255.1", true],
    ["172.18.0.1", false],
    ["10.0.0.1", false],
    ["", false],
    ["192.0.2", false],
    ["192.0.2.", false],
    ["192.0.2.256", false],
    ["192.0.2.1.1", false],
    [" 192.0.2.1", false],
    ["::1", true],
    ["::2", false],
    ["2001:db8::ffff", true],
    ["2001:db8:0:1::5", false],
    ["fe80::9%eth0", true],
    ["fe80::9%7", true],
    ["fe80::9%8", false],
    // A zone is of a link, and no part of an address that has a meaning beyond it.
    ["2001:db8::ffff%eth0", false],
    ["::1%lo", false],
    ["fe80::9%eth9", false],
    ["fe80::9", true],
    ["fe80::9%", false],
    [":", false],
    ["2001:db8::g", false]
  ]
  for (const [ip, expected] of table) {
    it(`${JSON.stringify(ip)} ${expected ? "is" : "is not"}`, () =>
      assert.strictEqual(isDirectBy(connected(system, [eth0, docker0, eth0Global, eth0Link]))(ip), expected))
  }

  const direct = (of: Parameters<typeof systemOf>[1], used: ReadonlyArray<SystemInterface>, ip: string) =>
    isDirectBy(connected(systemOf([eth0, docker0], of), used))(ip)

  it("a prefix of next to no bits makes nobody a neighbour but oneself", () => {
    for (const prefixLength of [0, 7]) {
      const wide = addressOn("eth0", "192.0.2.5", prefixLength)
      assert.isFalse(isDirectBy(connected(systemOf([wide]), [wide]))("193.0.2.5"))
      assert.isTrue(isDirectBy(connected(systemOf([wide]), [wide]))("192.0.2.5"))
    }
  })

  it("every address of an interface that is used counts, and none of another", () => {
    const second = addressOn("eth0", "198.51.100.5")
    const label = addressOn("eth0:1", "203.0.113.5")
    const is = isDirectBy(connected(systemOf([eth0, second, label, docker0]), [eth0]))
    for (const ip of ["192.0.2.9", "198.51.100.9", "203.0.113.9"]) assert.isTrue(is(ip), ip)
    assert.isFalse(is("172.17.0.9"))
  })

  it("so does a network that a route reaches on the link, on an interface that is used", () => {
    const linkRoutes = [
      route("eth0", "198.51.100.0/24"),
      route("docker0", "203.0.113.0/24"),
      route("eth0", "fd51::/64")
    ]
    assert.isTrue(direct({ linkRoutes }, [eth0], "198.51.100.9"))
    assert.isTrue(direct({ linkRoutes }, [eth0], "fd51::9"))
    assert.isFalse(direct({ linkRoutes }, [eth0], "203.0.113.9"))
  })

  it("an interface that the system has lost sight of stands for itself", () =>
    assert.isTrue(direct({}, [eth0, addressOn("eth1", "198.51.100.1")], "198.51.100.9")))

  it("the remembered answers for many addresses stay right", () => {
    const is = isDirectBy(connected(system, [eth0]))
    for (let i = 0; i < 3000; i++) is(`10.0.${i >> 8}.${i & 255}`)
    assert.isTrue(is("192.0.2.9"))
    assert.isFalse(is("10.0.0.1"))
  })

  const octet = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))
  const bits = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 32 }))
  const drawn = Schema.Struct({ octets: Schema.Tuple([octet, octet, octet, octet]), bits, device: octet })
  it.prop(
    "is what a naive model says: somebody's first so many bits are the same",
    [Schema.Array(drawn).check(Schema.isMaxLength(6)), Schema.Array(drawn).check(Schema.isMaxLength(6)), drawn],
    ([addresses, routes, { octets }]) => {
      const binary = (some: ReadonlyArray<number>) => some.map((one) => one.toString(2).padStart(8, "0")).join("")
      const interfaces = addresses.map((one) => addressOn(`eth${one.device}`, one.octets.join("."), one.bits))
      const used = interfaces.filter(({ name }) => name < "eth2")
      const linkRoutes = routes.flatMap(({ bits, device, octets }) =>
        Option.toArray(
          Option.map(Networks.around(octets.join("."), bits), (network) => ({ device: `eth${device}`, network }))
        )
      )
      const shares = (one: ReadonlyArray<number>, length: number) =>
        binary(one).slice(0, length) === binary(octets).slice(0, length)
      const devices = new Set(used.map(({ name }) => name))
      const expected =
        addresses.some(({ bits, device, octets }) =>
          devices.has(`eth${device}`) && shares(octets, bits < 8 ? 32 : bits)
        ) || routes.some(({ bits, device, octets }) => bits >= 8 && devices.has(`eth${device}`) && shares(octets, bits))
      assert.strictEqual(isDirectBy(connected(systemOf(interfaces, { linkRoutes }), used))(octets.join(".")), expected)
    }
  )
})

describe("the address that another is spoken to from (protocol 2)", () => {
  const second = addressOn("eth0", "198.51.100.5")
  const wlan0 = addressOn("wlan0", "203.0.113.5")
  const linkRoutes = [route("wlan0", "10.1.0.0/16"), route("eth0", "10.1.7.0/24")]
  const networks = connected(systemOf([eth0, second, wlan0, eth0Link, eth0Global], { linkRoutes }), [eth0, wlan0])
  const from = (ip: string, sources: ReadonlyArray<SystemInterface> = [eth0, second, wlan0, eth0Global, eth0Link]) =>
    sourceFor(networks, sources, ip)?.address

  it.each([
    ["192.0.2.9", "192.0.2.5"],
    ["198.51.100.9", "198.51.100.5"],
    ["203.0.113.9", "203.0.113.5"],
    ["2001:db8::9", "2001:db8::5"],
    ["fe80::9%eth0", "fe80::5%eth0"],
    // By the narrowest route; no address is on it.
    ["10.1.7.7", "192.0.2.5"],
    ["10.1.8.8", "203.0.113.5"],
    ["10.2.0.1", undefined],
    ["nobody", undefined]
  ])("of %s is %s", (ip, address) => assert.strictEqual(from(ip), address))

  it("is another of the device if none is on that network, and none of another family or device", () => {
    assert.strictEqual(from("198.51.100.9", [eth0, wlan0]), "192.0.2.5")
    assert.isUndefined(from("198.51.100.9", [wlan0, eth0Global]))
  })

  it("is on the network if the one that the system lists first is not open", () => {
    const neighbour = addressOn("eth0", "192.0.2.6")
    const both = connected(systemOf([eth0, neighbour]), [neighbour])
    assert.strictEqual(sourceFor(both, [second, neighbour], "192.0.2.9"), neighbour)
  })
})

it("addresses are compared, not their spellings", () =>
  assert.isTrue(
    isDirectBy(connected(system, [eth0Global]))(
      NetAddress.formatIp(Result.getOrThrow(NetAddress.ipFromString("2001:DB8:0:0::00ff")))
    )
  ))
