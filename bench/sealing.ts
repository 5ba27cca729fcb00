/**
 * `npm run bench -- sealing`: what sealing and opening cost, by the size of the body.
 */
import * as Frame from "../src/protocol/wire/Frame.ts"
import * as KeyRing from "../src/protocol/wire/KeyRing.ts"
import { cipher } from "../src/protocol/wire/PortableCipher.ts"
import * as Sealing from "../src/protocol/wire/Sealing.ts"
import * as Session from "../src/protocol/wire/Session.ts"
import * as Sessions from "../src/transport/Sessions.ts"
import { corpus } from "../test/fuzz/Hostile.ts"

const rounds = 5
const count = 4_000

/** The median of some rounds, in µs each. */
const cost = (run: (n: number) => void): number => {
  const times = Array.from({ length: rounds }, () => {
    const started = performance.now()
    for (let n = 0; n < count; n++) run(n)
    return (performance.now() - started) * 1_000 / count
  })
  return times.toSorted((a, b) => a - b)[Math.floor(rounds / 2)]!
}

export const sealing = async (): Promise<void> => {
  const tag = Frame.groupTag("default")
  const ring: KeyRing.KeyRing = { keys: [KeyRing.key(new Uint8Array(32).fill(1))], active: null, mode: "enforce" }
  const active: KeyRing.KeyRing = { ...ring, active: ring.keys[0]! }
  const keys: Sessions.Keys = { ring: () => active, freshness: () => Session.freshness(30_000), maxSessions: 64 }
  let drawn = 0
  const random = (bytes: number) => new Uint8Array(bytes).fill(++drawn)
  const heartbeat = new TextEncoder().encode(JSON.stringify(corpus.find(({ type }) => type === "SERVER_ALIVE")))
  process.stdout.write("| body | seal | open, and judge its session | read as a message |\n")
  for (const body of [new Uint8Array(16), heartbeat, new Uint8Array(Frame.maxBodyBytes)]) {
    const [a, b] = [Sessions.make(keys, tag, random, cipher), Sessions.make(keys, tag, random, cipher)]
    const frame = new Uint8Array([...Frame.header(tag, Frame.flags.plain), ...body])
    const sealed: Array<Uint8Array> = []
    const seal = cost(() => sealed.push(a.seal(frame, 0)))
    const from = { ip: "192.0.2.1", port: 4_000 }
    let next = 0
    const open = cost(() => void b.open({ payload: sealed[next++]!, from, via: "multicast" }, Frame.flags.sealed, 0))
    const read = cost(() => void Frame.readBody(body))
    process.stdout.write(
      `| ${body.length} bytes | ${seal.toFixed(1)} µs | ${open.toFixed(1)} µs | ${read.toFixed(1)} µs |\n`
    )
  }
  const key = ring.keys[0]!
  const derive = cost((n) => void Sealing.sealingKey(key, n.toString(16).padStart(32, "0")))
  process.stdout.write(`the sealing key of a new session: ${derive.toFixed(1)} µs\n`)
}
