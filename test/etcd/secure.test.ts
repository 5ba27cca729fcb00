/** etcd that believes only those who have a certificate or a password. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as EtcdRegistry from "../../src/etcd/EtcdRegistry.ts"
import * as EtcdStart from "../../src/etcd/EtcdStart.ts"
import * as NodeEtcd from "../../src/NodeEtcd.ts"
import * as RegistryCases from "../backend/RegistryCases.ts"
import * as Certificates from "./Certificates.ts"
import * as EtcdNodes from "./EtcdNodes.ts"

// Passwords are made slow to guess, and slower on a busy host: a question may take a sixth of the time to live.
const at = (url: string, credentials: EtcdRegistry.Options["credentials"] = null) =>
  EtcdRegistry.make({ endpoints: [url], credentials, ttl: 60, prefix: "/bellwether/", group: "orders" })

describe.skipIf(EtcdNodes.skip || Certificates.skip)(`etcd over TLS${EtcdNodes.because}`, () => {
  it.live("hears who has a certificate, and is believed by its own", () =>
    Effect.scoped(Effect.gen(function*() {
      const directory = yield* Certificates.temporary
      const ca = Certificates.authority(directory)
      const server = Certificates.sign(directory, "server")
      const client = Certificates.sign(directory, "client")
      const other = Certificates.authority(directory, "other")
      const tls = { caFile: ca.certFile, certFile: client.certFile, keyFile: client.keyFile }
      const flags = ["--cert-file", server.certFile, "--key-file", server.keyFile]
      const asking = ["--client-cert-auth", "--trusted-ca-file", ca.certFile]
      const nodes = yield* EtcdNodes.make({
        count: 1,
        scheme: "https",
        flags: [...flags, ...asking],
        isReady: Certificates.answersTo({ ca: ca.cert, cert: client.cert, key: client.key })
      })
      const { url } = nodes[0]!
      const { registry } = yield* Effect.provide(at(url), NodeEtcd.layerClient(tls))
      const { session } = yield* registry.renew
      assert.strictEqual((yield* registry.renew).session, session)
      const { next } = yield* RegistryCases.told(registry)
      assert.propertyVal(yield* next, "_tag", "Picture")
      yield* registry.commit(RegistryCases.put("a", "1"))
      assert.propertyVal(yield* next, "_tag", "Put")
      const strangers = [{ caFile: ca.certFile }, { ...tls, caFile: other.certFile }]
      for (const stranger of strangers) {
        const { registry } = yield* Effect.provide(at(url), NodeEtcd.layerClient(stranger))
        const failed = yield* RegistryCases.failure(registry.renew)
        assert.strictEqual(failed.kind, "Unreachable", failed.detail)
        assert.match(failed.detail, /certificate|socket|ECONNRESET|alert/i)
      }
    })))
})

describe.skipIf(EtcdNodes.skip)(`etcd with a password${EtcdNodes.because}`, () => {
  it.live("does what it does without, and knows nobody any more when it has started again", () =>
    Effect.scoped(Effect.gen(function*() {
      const nodes = yield* EtcdNodes.make({ count: 1 })
      const node = nodes[0]!
      const credentials = { username: "bellwether", password: Redacted.make("bellwether's") }
      const early = yield* at(node.url, credentials)
      yield* early.registry.renew
      yield* Effect.promise(() => EtcdNodes.secure(node.url))
      yield* EtcdStart.check(early.gateway, early.prefix)
      for (const { behaves } of RegistryCases.all.filter((_, at) => at !== 2)) {
        const { registry } = yield* at(node.url, credentials)
        const { next } = yield* RegistryCases.told(registry)
        const picture = yield* next
        const remove = picture._tag === "Picture" ? picture.entries.map(({ key }) => key) : []
        yield* registry.commit({ if: [], remove })
        yield* behaves(registry, () => Effect.void)
      }
      yield* node.kill
      yield* node.start
      yield* Effect.retry(early.registry.renew, { times: 100, while: ({ kind }) => kind !== "Refused" })
      assert.strictEqual(yield* early.registry.commit(RegistryCases.put("b", "1", true)), "done")
    })).pipe(Effect.provide(NodeEtcd.layerClient())))

  it.live("says what is wrong with a name, a password or a right, and waiting is no help", () =>
    Effect.scoped(Effect.gen(function*() {
      const nodes = yield* EtcdNodes.make({ count: 1 })
      const { url } = nodes[0]!
      yield* Effect.promise(() => EtcdNodes.secure(url))
      const bellwether = { username: "bellwether", password: Redacted.make("bellwether's") }
      const refused = Effect.fnUntraced(
        function*(credentials: EtcdRegistry.Options["credentials"], prefix = "/bellwether/") {
          const made = yield* EtcdRegistry.make({ endpoints: [url], credentials, ttl: 60, prefix, group: "orders" })
          assert.strictEqual(
            (yield* RegistryCases.failure(made.registry.renew.pipe(
              Effect.andThen(made.registry.commit(RegistryCases.put("a", "1")))
            ))).kind,
            "Refused"
          )
          return yield* Effect.flip(EtcdStart.check(made.gateway, made.prefix))
        }
      )
      const wrong = yield* refused({ ...bellwether, password: Redacted.make("something else") })
      assert.include(wrong.message, "authentication failed, invalid user ID or password")
      assert.notInclude(wrong.message, "something else")
      assert.include((yield* refused(null)).message, "user name is empty")
      assert.include((yield* refused(bellwether, "/others/")).message, "permission denied")
    })).pipe(Effect.provide(NodeEtcd.layerClient())))
})
