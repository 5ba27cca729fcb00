import { assert, describe, it } from "@effect/vitest"
import * as IpNetwork from "effect/net/IpNetwork"
import * as Option from "effect/Option"
import type { LinkRoute } from "../../src/transport/interfaces/Interfaces.ts"
import { defaultRoute6Of, defaultRouteOf, linkRoutes6Of, linkRoutesOf } from "../../src/transport/interfaces/Routes.ts"

describe("the default route (protocol 2)", () => {
  const head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"

  it("is the one of the lowest metric", () => {
    const routes = head +
      "wlan0\t00000000\t010200C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n" +
      "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n" +
      "eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
    assert.deepStrictEqual(defaultRouteOf(routes), Option.some("eth0"))
  })

  it("is no route that rejects, and none that is down", () => {
    const routes = head +
      "lo\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0\n" +
      "eth0\t00000000\t010200C0\t0002\t0\t0\t0\t00000000\t0\t0\t0\n"
    assert.deepStrictEqual(defaultRouteOf(routes), Option.none())
  })

  it("of IPv6 is the one of the lowest metric that is up", () => {
    const zero = "0".repeat(32)
    const line = (length: string, metric: string, flags: string, name: string) =>
      `${zero} ${length} ${zero} 00 fe800000000000000000000000000001 ${metric} 00000001 00000000 ${flags}     ${name}\n`
    const routes = line("00", "00000400", "00000003", "wlan0") + line("00", "00000064", "00000003", "eth0")
      + line("00", "00000001", "00200200", "lo") + line("40", "00000001", "00000001", "eth1")
    assert.deepStrictEqual(defaultRoute6Of(routes), Option.some("eth0"))
    assert.isTrue(Option.isNone(defaultRoute6Of("")))
  })

  for (const text of ["", head, "no table\nat all"]) {
    it(`is none in ${JSON.stringify(text.slice(0, 12))}`, () => assert.isTrue(Option.isNone(defaultRouteOf(text))))
  }
})

describe("the networks on a link (protocol 2)", () => {
  const shown = (routes: ReadonlyArray<LinkRoute>) =>
    routes.map(({ device, network }) => `${IpNetwork.format(network)} ${device}`)

  it("are those of the routes that have no gateway and are open, wide ones left out", () => {
    const head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    const line = (device: string, destination: string, gateway: string, flags: string, mask: string) =>
      `${device}\t${destination}\t${gateway}\t${flags}\t0\t0\t0\t${mask}\t0\t0\t0\n`
    const routes = head
      + line("eth0", "000200C0", "00000000", "0001", "00FFFFFF")
      + line("eth1", "010200C0", "00000000", "0005", "FFFFFFFF")
      + line("eth0", "006433C6", "010200C0", "0003", "00FFFFFF")
      + line("*", "0071CB", "00000000", "0201", "00FFFFFF")
      + line("lo", "0071CB00", "00000000", "0201", "00FFFFFF")
      + line("eth2", "0000000A", "00000000", "0000", "000000FF")
      + line("ppp0", "00000000", "00000000", "0001", "00000000")
      + line("tun0", "00000080", "00000000", "0001", "00000080")
    assert.deepStrictEqual(shown(linkRoutesOf(routes)), ["192.0.2.0/24 eth0", "192.0.2.1/32 eth1"])
  })

  it("are those of IPv6 too, but no address of this host, no multicast, no link itself", () => {
    const zero = "0".repeat(32)
    const line = (destination: string, length: string, gateway: string, flags: string, name: string) =>
      `${destination.padEnd(32, "0")} ${length} ${zero} 00 ${gateway} 00000100 00000001 00000000 ${flags} ${name}\n`
    const routes = line("fd510000", "40", zero, "00000001", "eth0")
      + line("fd52", "10", zero, "00000001", "eth1")
      + line("fd53", "40", "fe80".padEnd(32, "0"), "00000003", "eth0")
      + line("fd51".padEnd(31, "0") + "1", "80", zero, "80200001", "eth0")
      + line("fd51", "80", zero, "00300001", "eth0")
      + line("fe80", "40", zero, "00000001", "eth0")
      + line("ff00", "08", zero, "00000001", "eth0")
      + line("20", "03", zero, "00000001", "eth0")
      + line("", "00", zero, "00200200", "lo")
    assert.deepStrictEqual(shown(linkRoutes6Of(routes)), ["fd51::/64 eth0", "fd52::/16 eth1"])
  })

  it.each(["", "no table\nat all", "a b c d e f g h i j\n".repeat(3)])("are none in %j", (text) => {
    assert.deepStrictEqual(linkRoutesOf(text), [])
    assert.deepStrictEqual(linkRoutes6Of(text), [])
  })
})
