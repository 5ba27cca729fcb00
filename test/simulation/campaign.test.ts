/** `npm run campaign` as a process: who votes, and what is refused. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFile } from "node:child_process"
import * as Path from "node:path"

const file = Path.resolve(import.meta.dirname, "campaign.process.ts")

const campaign = (...args: ReadonlyArray<string>) =>
  Effect.callback<{ readonly code: number; readonly stdout: string; readonly stderr: string }>((resume) => {
    const child = execFile(process.execPath, [file, ...args], { timeout: 50_000 }, (error, stdout, stderr) => {
      resume(Effect.succeed({ code: error === null ? 0 : Number(error.code), stdout, stderr }))
    })
    return Effect.sync(() => child.kill("SIGKILL"))
  })

describe("npm run campaign", () => {
  it.live("runs groups in which only so many servers vote", () =>
    Effect.gen(function*() {
      const args = "--leadership lease --servers 5 --voters 3 --runs 1 --minutes 1 --faults harsh".split(" ")
      const { code, stderr, stdout } = yield* campaign(...args)
      assert.strictEqual(code, 0, stderr)
      const { cells, runs } = JSON.parse(stdout)
      assert.deepStrictEqual([runs, cells.length], [1, 1])
      assert.deepInclude(cells[0], { leadership: "lease", servers: 5, voters: 3, broken: {} })
      assert.isAbove(cells[0].changes, 0)
    }), 60_000)

  it.live.each(
    [
      ["--voters 3", /^--voters is "3"; allowed: none, or any with --leadership lease: .*\n$/],
      ["--voters 3 --leadership bully", /^--voters is "3"; allowed: none, or any with --leadership lease: .*\n$/],
      ["--voters 4 --leadership lease --servers 3,5", /^--voters is "4"; allowed: a whole number from 1 to 3\n$/]
    ] as const
  )("refuses %j in one line, with exit code 2", ([args, line]) =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* campaign(...args.split(" "))
      assert.match(stderr, line)
      assert.deepStrictEqual([code, stdout], [2, ""])
    }))
})
