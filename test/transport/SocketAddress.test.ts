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
