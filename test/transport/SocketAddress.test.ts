import { assert, describe, it } from "@effect/vitest"
import type { SystemInterface } from "../../src/transport/interfaces/SystemInterface.ts"
import * as SocketAddress from "../../src/transport/node/SocketAddress.ts"

const eth0: SystemInterface = {
  name: "eth0:1",
  address: "192.0.2.1",
  prefixLength: 24,
  internal: false,
  index: 2
}
const six: SystemInterface = { ...eth0, address: "fd51::1", prefixLength: 64 }

describe("how Node is told of an interface for multicast (protocol 2)", () => {
  const table: ReadonlyArray<
    readonly [what: string, addressOn: SystemInterface, isWindows: boolean, expected: string]
  > = [
    ["in IPv4 by its address", eth0, false, "192.0.2.1"],
    ["in IPv6 by the name of its device", six, false, "::%eth0"],
    ["also where its number is not known", { ...six, index: undefined }, false, "::%eth0"],
    ["on Windows by its number", six, true, "::%2"],
    ["and there as any, where the number is not known", { ...six, index: undefined }, true, "::"]
  ]
  for (const [what, addressOn, isWindows, expected] of table) {
    it(what, () => assert.strictEqual(SocketAddress.multicastInterface(addressOn, isWindows), expected))
  }
})

describe("addresses as the sockets of Node spell them (protocol 2)", () => {
  SocketAddress.learn([{ ...six, name: "spelt0", index: 7_701 }])
  const came: ReadonlyArray<readonly [what: string, host: string, ip: string]> = [
    ["of IPv4", "192.0.2.9", "192.0.2.9"],
    ["of IPv6", "2001:DB8:0::9", "2001:db8::9"],
    ["of a link, by the name of the interface", "fe80::9%spelt0", "fe80::9%spelt0"],
    ["of a link, by its number", "fe80::9%7701", "fe80::9%spelt0"],
    ["of a link that is new, by its number", "fe80::9%7702", "fe80::9%7702"],
    ["of no link, though its number is told", "2001:db8::9%7701", "2001:db8::9"]
  ]
  for (const [what, host, ip] of came) {
    it(`a datagram came from an address ${what}`, () =>
      assert.deepStrictEqual(SocketAddress.fromNative(host, 9), { ip, port: 9 }))
  }

  it("what goes to a link names the interface", () => {
    const host = process.platform === "win32" ? "fe80::9%7701" : "fe80::9%spelt0"
    assert.deepStrictEqual(SocketAddress.toNative({ ip: "fe80::9%spelt0", port: 9 }), { host, port: 9 })
    assert.deepStrictEqual(SocketAddress.toNative({ ip: "fe80::9", port: 9 }, 7_701), { host, port: 9 })
    assert.deepStrictEqual(SocketAddress.toNative({ ip: "192.0.2.9", port: 9 }), { host: "192.0.2.9", port: 9 })
  })

  it("nothing goes to a name, nor to a link that is not here", () => {
    assert.isUndefined(SocketAddress.toNative({ ip: "nobody", port: 9 }))
    assert.isUndefined(SocketAddress.toNative({ ip: "fe80::9%nowhere0", port: 9 }))
  })
})
