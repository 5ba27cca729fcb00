/**
 * `demo` as a person runs it: five processes that are killed, frozen and cut off, of which nothing is left.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Process from "../process.ts"
import * as Tmux from "../tmux.ts"

Process.goFirst()

/** The processes that a process has started, as Linux shows them. */
const childrenOf = (pid: number): ReadonlyArray<number> =>
  Fs.readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter((child) => child !== "").map(Number)

const isThere = (pid: number): boolean => {
  try {
    // A zombie has ended: it only waits for somebody to ask how.
    return !/^State:\s*Z/m.test(Fs.readFileSync(`/proc/${pid}/status`, "utf8"))
  } catch {
    return false
  }
}

const allGone = (pids: ReadonlyArray<number>) =>
  Effect.gen(function*() {
    while (pids.some(isThere)) yield* Effect.sleep("20 millis")
  }).pipe(Effect.timeoutOrElse({
    duration: "20 seconds",
    orElse: () => Effect.die(new Error(`still there: ${pids.filter(isThere).join(", ")}`))
  }))

/** Whether a line shows this, however its columns are filled. */
const sees = (text: string) => (lines: ReadonlyArray<string>) =>
  lines.some((line) => line.replaceAll(/ +/g, " ").includes(text))

const linux = process.platform === "linux"

/**
 * A demo without a terminal, once its servers follow the one that ranks highest. On a busy host another may lead at first, and then
 * that one takes the lead over at any moment, also in the very one of an act.
 */
const started = Effect.gen(function*() {
  const demo = yield* Process.startTyped(["demo"], {})
  const lines = () => demo.stdout.split("\n")
  /** Waits for a line that comes after the line of an act, and gives it. */
  const line = (act: string | RegExp, what: RegExp) =>
    demo.until(() => {
      const all = lines()
      const from = all.findLastIndex((line) => typeof act === "string" ? line.startsWith(act) : act.test(line))
      return from < 0 ? undefined : all.slice(from).find((line) => what.test(line))
    })
  yield* line("start all", /all 5 see each other and follow epsilon/)
  const pid = demo.child.pid!
  return { demo, line, pid }
})

describe.skipIf(!linux)("a demo without a terminal (Linux)", () => {
  it.live("kills the leader when a key says so, tells who noticed and who leads, with the times", () =>
    Effect.gen(function*() {
      const { demo, line, pid } = yield* started
      yield* demo.type("k")
      yield* line(/^kill -9 \w+, which leads/, /after \d+\.\d\d s: \w+ noticed: its host refuses its port/)
      // On a busy host the highest ranked one may have been about to take the lead over: then nobody was without a leader.
      yield* line("kill -9", /after \d+\.\d\d s: \w+ leads(: nobody led for \d+\.\d\d s)?/)
      yield* line("kill -9", /all 4 see each other and follow \w+/)
      yield* demo.type("n")
      yield* line(/^start (?!all)\w+/, /all 5 see each other and follow \w+/)
      const servers = childrenOf(pid)
      assert.lengthOf(servers, 5)
      yield* demo.type("q")
      const { code, stderr } = yield* demo.ended
      assert.strictEqual(stderr, "")
      assert.strictEqual(code, 0)
      yield* allGone(servers)
    }))

  it.live("cuts the leader off and heals it: it leads only itself meanwhile, and one leads all at the end", () =>
    Effect.gen(function*() {
      const { demo, line } = yield* started
      yield* demo.type("c")
      yield* line(/^cut off \w+, which leads/, /all 4 see each other and follow \w+/)
      yield* demo.type("c")
      yield* line(/^heal \w+/, /all 5 see each other and follow \w+/)
      yield* demo.kill("SIGTERM")
      assert.strictEqual((yield* demo.ended).code, 0)
    }))

  it.live("freezes the leader, and thaws it: one leads all at the end", () =>
    Effect.gen(function*() {
      const { demo, line } = yield* started
      yield* demo.type("f")
      yield* line(/^freeze \w+, which leads/, /all 4 see each other and follow \w+/)
      yield* demo.type("f")
      yield* line(/^thaw \w+/, /all 5 see each other and follow \w+/)
    }))

  it.live("starts all anew with leases, where a leader that is cut off leads no more", () =>
    Effect.gen(function*() {
      const { demo, line } = yield* started
      yield* demo.type("m")
      yield* line("start all, leadership lease", /all 5 see each other and follow epsilon/)
      yield* demo.type("c")
      yield* line(/^cut off \w+, which leads/, /\w+ leads no more: /)
      yield* line("cut off", /all 4 see each other and follow \w+/)
      yield* demo.type("q")
      assert.strictEqual((yield* demo.ended).code, 0)
    }))

  it.live("leaves no process behind when it is killed, not even one that is frozen", () =>
    Effect.gen(function*() {
      const { demo, line, pid } = yield* started
      yield* demo.type("f")
      yield* line("freeze", /all 4 see each other and follow \w+/)
      // The servers, and the keeper of the one that is frozen.
      const processes = childrenOf(pid)
      assert.lengthOf(processes, 6)
      yield* demo.kill("SIGKILL")
      yield* allGone([pid, ...processes])
    }))
})

describe.skipIf(!linux || !Tmux.isThere)("a demo on a terminal (tmux)", () => {
  it.live("shows the servers and the keys, goes on after Ctrl-Z and fg, and leaves nothing behind", () =>
    Effect.gen(function*() {
      const terminal = yield* Tmux.terminals
      terminal.start("shell", 100, {}, "PS1='$ ' exec bash --norc -i")
      yield* terminal.see("shell", sees("$"))
      terminal.type("shell", "-l", Tmux.command("demo"))
      terminal.type("shell", "Enter")
      yield* terminal.see("shell", sees("all 5 see each other and follow"))
      for (
        const text of ["Bellwether demo group demo-", "k kill -9 s stop", "5 epsilon", "http://127.0.0.1:"]
      ) {
        assert.isTrue(sees(text)(terminal.screen("shell")), text)
      }
      const pid = Process.childOf(terminal.pid("shell"))!
      const servers = childrenOf(pid)
      assert.lengthOf(servers, 5)
      terminal.type("shell", "k")
      yield* terminal.see("shell", sees("all 4 see each other and follow"))
      terminal.type("shell", "1", "v")
      yield* terminal.see("shell", sees("Seen by alpha"))
      yield* terminal.see("shell", sees("4 servers"))
      terminal.type("shell", "v")
      yield* terminal.see("shell", sees("k kill -9 s stop"))
      terminal.type("shell", "C-z")
      yield* terminal.see("shell", sees("Stopped"))
      terminal.type("shell", "fg", "Enter")
      yield* terminal.see("shell", sees("killed"))
      terminal.type("shell", "9", "l", "k")
      yield* terminal.see(
        "shell",
        (lines) => lines.filter((line) => /kill -9 \w+, which leads/.test(line)).length === 2
      )
      terminal.type("shell", "C-c")
      yield* terminal.see("shell", sees("The demo has ended"))
      assert.strictEqual(terminal.modes("shell"), "0 1")
      yield* allGone([pid, ...servers])
    }))

  it.live("ends with its terminal", () =>
    Effect.gen(function*() {
      const terminal = yield* Tmux.terminals
      terminal.start("demo", 80, {}, `exec ${Tmux.command("demo")}`)
      yield* terminal.see("demo", sees("all 5 see each other"))
      const pid = terminal.pid("demo")
      const servers = childrenOf(pid)
      terminal.close("demo")
      yield* allGone([pid, ...servers])
    }))
})
