import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as MulticastGroup from "../../src/settings/MulticastGroup.ts"
import { explain, type Why } from "../../src/transport/interfaces/InterfaceChoice.ts"
import { systemOf } from "../../src/transport/interfaces/Interfaces.ts"
import type { SystemInterface } from "../../src/transport/interfaces/SystemInterface.ts"

const addressOn = (name: string, address: string): SystemInterface => ({
  name,
  address,
  prefixLength: 24,
  internal: false
})
const lo: SystemInterface = { name: "lo", address: "127.0.0.1", prefixLength: 8, internal: true }
const eth0 = addressOn("eth0", "192.0.2.5")
const eth0Second = addressOn("eth0", "192.0.2.6")
const wlan0 = addressOn("wlan0", "198.51.100.5")
const docker0 = addressOn("docker0", "172.17.0.1")

const whys = (system: ReadonlyArray<SystemInterface>, named: ReadonlyArray<string> = [], route = "eth0") =>
  explain({ system: systemOf(system, { defaultRoute: Option.some(route) }), named }).map((
    { chosen, primary, why }
  ): [Why, string] => [why, chosen ? (primary ? "primary" : "chosen") : "not"])

describe("why an interface is chosen (protocol 2)", () => {
  it("by itself: all but loopback, bridges and second addresses; the default route's is the primary one", () => {
    assert.deepStrictEqual(whys([lo, wlan0, eth0, eth0Second, docker0]), [
      ["Loopback", "not"],
      ["Automatic", "chosen"],
      ["Automatic", "primary"],
      ["SecondAddress", "not"],
      ["Virtual", "not"]
    ])
  })

  it("the loopback, if nothing else is left", () => {
    assert.deepStrictEqual(whys([lo, docker0]), [["OnlyLoopback", "primary"], ["Virtual", "not"]])
  })

  it("by its name or address: the named ones, and nothing else", () => {
    assert.deepStrictEqual(whys([lo, eth0, eth0Second, docker0], ["docker0", "192.0.2.6"]), [
      ["NotNamed", "not"],
      ["NotNamed", "not"],
      ["Named", "primary"],
      ["Named", "chosen"]
    ])
    assert.deepStrictEqual(whys([eth0, eth0Second], ["eth0"]), [["Named", "primary"], ["SecondAddress", "not"]])
  })

  it("those of the group's families, by addresses of the link if its multicast address is link-local", () => {
    const fe80 = addressOn("eth0", "fe80::1%eth0")
    const global = addressOn("eth0", "2001:db8::1")
    const used = (...addresses: ReadonlyArray<string>) =>
      explain({
        system: systemOf([eth0, global, fe80]),
        named: [],
        multicastAddress: Option.getOrThrow(MulticastGroup.parseAll(addresses))
      })
        .flatMap(({ address, chosen }) => chosen ? [address] : [])
    assert.deepStrictEqual(used("239.1.2.3"), ["192.0.2.5"])
    assert.deepStrictEqual(used("ff02::77"), ["fe80::1%eth0"])
    assert.deepStrictEqual(used("ff05::77"), ["2001:db8::1"])
    assert.deepStrictEqual(used("239.1.2.3", "ff02::77"), ["192.0.2.5", "fe80::1%eth0"])
  })

  it("those that are there, if another named one is not; none, if none is", () => {
    assert.deepStrictEqual(whys([lo, eth0], ["eth0", "eth7"])[0], ["NotNamed", "not"])
    assert.deepStrictEqual(whys([lo, eth0], ["eth0", "eth7"])[1]?.[0], "Named")
    assert.deepStrictEqual(whys([lo, eth0], ["eth7"]), [["NotNamed", "not"], ["NotNamed", "not"]])
  })
})
