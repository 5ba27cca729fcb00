// `node scripts/recording.mjs [FILE]`: plays a session of `bellwether demo` on a terminal of its own, with tmux, and writes what the
// terminal showed as an animated SVG: docs/demo.svg unless another file is named.
import { spawnSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { rowsOf, svg } from "./animation.mjs"
import { ensureBuild, ensureDependencies, main, root, say } from "./setup.mjs"

const size = { columns: 84, rows: 30 }
const socket = `bellwether-recording-${process.pid}`

/**
 * What is done, each once the screen shows what came of the last; `rest` is how long that is left to be read, in ms. Which of the
 * servers leads at which time is theirs to decide: on a busy host it is not always the same.
 */
const session = [
  { key: undefined, shows: /all 5 +see each other/, rest: 1_600 },
  { key: "k", shows: /kill -9 [^]*all 4 +see each other and follow/, rest: 2_400 },
  { key: "c", shows: /cut off [^]*all 3 +see each other and follow/, rest: 2_600 },
  { key: "c", shows: /heal [^]*all 4 +see each other/, rest: 3_400 }
]
const patience = 30_000
const pace = 80

const title =
  "A recording of bellwether demo: five servers on one host. The leader is killed, and another leads at once. " +
  "That one is cut off from the network, a third leads, and at the end one leads all again."

const tmux = (...args) => {
  const { error, status, stderr, stdout } = spawnSync("tmux", ["-L", socket, "-f", "/dev/null", ...args], {
    encoding: "utf8"
  })
  if (error !== undefined) throw new Error(`tmux is needed: ${error.message}`)
  if (status !== 0) throw new Error(`tmux ${args[0]}: ${stderr.trim()}`)
  return stdout
}

const screen = () => tmux("capture-pane", "-e", "-p", "-t", "demo").replace(/\n+$/, "")

// oxlint-disable-next-line no-control-regex
const plain = (screen) => screen.replaceAll(/\u001B\[[\d;]*m/g, "")

/** Records until the screen shows something, and for a while more. */
const record = async (frames, clock, { rest, shows }) => {
  const begun = clock()
  let seen, before
  while (seen === undefined || clock() < seen + rest) {
    const [at, now] = [clock(), screen()]
    if (now !== before) frames.push({ at, rows: rowsOf(now) })
    before = now
    if (seen === undefined && shows.test(plain(now))) seen = at
    if (seen === undefined && at - begun > patience) throw new Error(`not seen: ${shows}\n${plain(now)}`)
    await sleep(pace)
  }
}

const play = async () => {
  const quoted = [process.execPath, join(root, "dist", "main.js"), "demo"].map((word) => `'${word}'`).join(" ")
  tmux("new-session", "-d", "-s", "demo", "-x", String(size.columns), "-y", String(size.rows), `exec ${quoted}`)
  try {
    const [first, ...rest] = session
    // The start is not shown: nothing is to be seen of it but waiting.
    await record([], () => performance.now(), { ...first, rest: 500 })
    const start = performance.now()
    const clock = () => Math.round(performance.now() - start)
    const frames = []
    await record(frames, clock, first)
    for (const act of rest) {
      tmux("send-keys", "-t", "demo", act.key)
      await record(frames, clock, act)
    }
    frames[0].at = 0
    return { ...size, duration: clock(), frames, title }
  } finally {
    tmux("kill-server")
  }
}

main(async () => {
  await ensureDependencies()
  await ensureBuild()
  const file = resolve(process.argv[2] ?? join(root, "docs", "demo.svg"))
  const recording = await play()
  const text = svg(recording)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  say(`${file}: ${(recording.duration / 1_000).toFixed(1)} s, ${Math.ceil(text.length / 1_000)} kB`)
})
