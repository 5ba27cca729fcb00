import { assert, describe, it } from "@effect/vitest"
import { DatagramsFailed } from "../../src/transport/Datagrams.ts"
import * as SystemError from "../../src/transport/node/SystemError.ts"

const error = (more: object) => Object.assign(new Error("it failed"), more)

describe("the system's refusal", () => {
  it.each<readonly [string, unknown, SystemError.SystemError]>([
    ["is the code and the call of Node's error", error({ code: "EINVAL", syscall: "bind" }), {
      code: "EINVAL",
      syscall: "bind"
    }],
    ["is found in a cause", error({ cause: error({ code: "EMFILE" }) }), { code: "EMFILE" }],
    ["is found in a reason", error({ reason: { cause: error({ code: "EPERM", syscall: "send" }) } }), {
      code: "EPERM",
      syscall: "send"
    }],
    // As os.networkInterfaces throws it: the number has the wrong sign, and so no name.
    [
      "is found by its number",
      error({ code: "ERR_SYSTEM_ERROR", info: { errno: 24, code: "Unknown system error 24", syscall: "uv_x" } }),
      {
        code: "EMFILE",
        syscall: "uv_x"
      }
    ],
    ["is nothing where nothing is said", error({}), {}],
    ["is nothing of Node's own words", error({ code: "ERR_SOCKET_CLOSED" }), {}],
    ["is nothing of what is no error", "EMFILE", {}]
  ])("%s", (_, cause, said) => assert.deepStrictEqual(SystemError.of(cause), said))

  it("ends if an error is its own cause", () => {
    const loop = error({})
    assert.deepStrictEqual(SystemError.of(Object.assign(loop, { cause: loop })), {})
  })

  it("stands in the message, or the text of the error if the system has no name for it", () => {
    const message = (during: DatagramsFailed["during"], cause: unknown) =>
      SystemError.failedBy(during, "eth0", cause).message
    assert.strictEqual(
      message("open", error({ code: "EINVAL", syscall: "setMulticastTTL" })),
      "open failed on eth0: Unknown (setMulticastTTL EINVAL)"
    )
    assert.strictEqual(message("scan", error({ code: "EMFILE" })), "scan failed on eth0: OutOfDescriptors (EMFILE)")
    assert.strictEqual(message("open", error({})), "open failed on eth0: Unknown (it failed)")
    assert.strictEqual(
      new DatagramsFailed({ during: "open", kind: "NoSuchInterface", where: "eth0" }).message,
      "open failed on eth0: NoSuchInterface"
    )
  })

  it.each(
    [
      ["join", "ENOBUFS", "TooManyMemberships"],
      ["join", "ENOMEM", "TooManyMemberships"],
      ["send", "ENOBUFS", "Unknown"],
      ["send", "EINVAL", "Unreachable"],
      ["open", "EINVAL", "Unknown"],
      ["open", "ENFILE", "OutOfDescriptors"]
    ] as const
  )(
    "during %s %s is %s",
    (during, code, kind) => assert.strictEqual(SystemError.failedBy(during, "eth0", error({ code })).kind, kind)
  )
})
