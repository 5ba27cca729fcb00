/** What a failure of a request to etcd means for what was asked for. */
import { assert, describe, it } from "@effect/vitest"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as EtcdFailed from "../../src/etcd/EtcdFailed.ts"

const endpoint = "http://etcd-1:2379"

const ofClient = (cause: unknown) =>
  EtcdFailed.ofClient(
    endpoint,
    new HttpClientError.HttpClientError({
      reason: new HttpClientError.TransportError({ request: HttpClientRequest.post(endpoint), cause })
    })
  )

const coded = (code: string, more: object = {}) => Object.assign(new Error(`it was ${code}`), { code, ...more })

describe("a failure of etcd", () => {
  it("is judged by the code that the gateway tells, wherever it stands", () => {
    const kinds: ReadonlyArray<readonly [EtcdFailed.Kind, ReadonlyArray<readonly [code: number, message: string]>]> = [
      ["TokenGone", [
        [16, "etcdserver: invalid auth token"],
        [3, "etcdserver: user name is empty"],
        [3, "etcdserver: revision of auth store is old"]
      ]],
      ["LeaseGone", [[5, "etcdserver: requested lease not found"]]],
      ["NotDone", [[8, "etcdserver: too many requests"], [8, "etcdserver: mvcc: database space exceeded"]]],
      ["Refused", [
        [3, "etcdserver: too many operations in txn request"],
        [5, "Not Found"],
        [7, "etcdserver: permission denied"],
        [9, "etcdserver: authentication is not enabled"],
        [11, "etcdserver: mvcc: required revision has been compacted"],
        [12, "Method Not Allowed"]
      ]],
      ["Unknown", [
        [1, "context canceled"],
        [2, "unknown error"],
        [4, "context deadline exceeded"],
        [13, "internal error"],
        [14, "etcdserver: leader changed"]
      ]]
    ]
    for (const [kind, said] of kinds) {
      for (const [code, message] of said) {
        assert.deepInclude(EtcdFailed.ofStatus(endpoint, 503, { error: message, message, code }), {
          kind,
          detail: message
        })
        assert.strictEqual(EtcdFailed.ofError(endpoint, { grpc_code: code, http_code: 500, message }).kind, kind)
      }
    }
    assert.strictEqual(EtcdFailed.ofError(endpoint, { message: "no code" }).kind, "Unknown")
  })

  it("is judged by the status where something else than etcd answers", () => {
    const kinds: ReadonlyArray<readonly [number, EtcdFailed.Kind]> = [
      [400, "Refused"],
      [401, "TokenGone"],
      [403, "Refused"],
      [404, "GatewayOff"],
      [429, "NotDone"],
      [500, "Unknown"],
      [502, "Unknown"],
      [504, "Unknown"]
    ]
    for (const [status, kind] of kinds) {
      assert.strictEqual(EtcdFailed.ofStatus(endpoint, status, undefined).kind, kind, String(status))
    }
  })

  it("is known not to be done where there was no connection, or none to be trusted, and else unknown", () => {
    for (const code of ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]) {
      assert.deepInclude(ofClient(coded(code)), { kind: "NotDone", detail: `it was ${code}` })
    }
    for (
      const code of [
        "CERT_HAS_EXPIRED",
        "DEPTH_ZERO_SELF_SIGNED_CERT",
        "ERR_TLS_CERT_ALTNAME_INVALID",
        "ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE"
      ]
    ) {
      assert.strictEqual(ofClient(coded(code)).kind, "NotDone", code)
    }
    // One below, as `fetch` has it, and of a name with several addresses.
    assert.strictEqual(ofClient(new TypeError("fetch failed", { cause: coded("ECONNREFUSED") })).kind, "NotDone")
    assert.strictEqual(ofClient(new AggregateError([coded("ECONNREFUSED"), coded("ENETUNREACH")])).kind, "NotDone")
    for (const code of ["ECONNRESET", "EPIPE", "ETIMEDOUT", "UND_ERR_SOCKET"]) {
      assert.deepInclude(ofClient(coded(code)), { kind: "Unknown", isHungUp: true })
    }
    assert.strictEqual(ofClient(new Error("with no code")).kind, "Unknown")
    assert.strictEqual(EtcdFailed.ofTime(endpoint, 1_000).kind, "Unknown")
  })
})
