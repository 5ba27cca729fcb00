import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as KeyFile from "../../src/transport/KeyFile.ts"
import * as NodeKeyFile from "../../src/transport/node/NodeKeyFile.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "bellwether-key-file-"))),
  (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true }))
)

describe("a file of keys", () => {
  it.live.skipIf(process.platform === "win32")(
    "is read with its permissions, and is exposed if others may do anything",
    () =>
      Effect.gen(function*() {
        const path = Path.join(yield* folder, "keys")
        Fs.writeFileSync(path, "# key\n")
        for (
          const [mode, shown, isExposed] of [
            [0o600, "0600", false],
            [0o400, "0400", false],
            [0o640, "0640", true],
            [0o604, "0604", true],
            [0o620, "0620", true],
            [0o644, "0644", true]
          ] as const
        ) {
          Fs.chmodSync(path, mode)
          const contents = yield* NodeKeyFile.read(path)
          assert.deepStrictEqual(contents, { text: "# key\n", mode })
          assert.strictEqual(KeyFile.formatMode(mode), shown)
          assert.strictEqual(KeyFile.isExposed(contents.mode), isExposed, shown)
        }
        assert.isFalse(KeyFile.isExposed(null), "a system without permissions")
      }).pipe(Effect.scoped)
  )

  it.live.skipIf(process.platform === "win32")(
    "that is a pipe or a device is refused at once, also where nobody writes",
    () =>
      Effect.gen(function*() {
        const pipe = Path.join(yield* folder, "pipe")
        assert.strictEqual(spawnSync("mkfifo", [pipe]).status, 0)
        for (const path of [pipe, "/dev/null"]) {
          const { why } = yield* Effect.flip(NodeKeyFile.read(path))
          assert.strictEqual(why, "it is no file")
        }
      }).pipe(Effect.scoped)
  )

  it.live("that is none, or is no list of keys by its size, says why and shows nothing of it", () =>
    Effect.gen(function*() {
      const path = yield* folder
      const large = Path.join(path, "large")
      Fs.writeFileSync(large, "s".repeat(KeyFile.maxBytes + 1))
      for (
        const [file, why] of [
          [Path.join(path, "gone"), "there is no such file"],
          [path, "it is a directory"],
          [large, "it has more than 65536 bytes"]
        ] as const
      ) {
        const refused = yield* Effect.flip(NodeKeyFile.read(file))
        assert.strictEqual(refused.why, why)
        assert.notInclude(refused.message, "sss")
      }
    }).pipe(Effect.scoped))
})
