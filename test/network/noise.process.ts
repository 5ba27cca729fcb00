/**
 * One source that sends without end on loopback: `noise.process.ts PER_SECOND SECONDS KEY_ID ADDRESS:PORT...`, to each of
 * these in turn. Half of it are messages that are not sealed, half claim to be sealed with the group's key, each in a session
 * of its own: the dearest to refuse. Prints how many it sent.
 */
import { createSocket } from "node:dgram"
import * as Frame from "../../src/protocol/wire/Frame.ts"
import { corpus } from "../fuzz/Hostile.ts"

const [perSecond = 0, seconds = 0] = process.argv.slice(2, 4).map(Number)
const keyId = Buffer.from(process.argv[4] ?? "", "hex")
const targets = process.argv.slice(5).map((target) => target.split(":") as [address: string, port: string])
const tag = Frame.groupTag(process.env["BELLWETHER_GROUP"] ?? "default")
// Read to its end before it is refused, where nothing has to be sealed.
const invalid = JSON.stringify({ ...corpus.find(({ type }) => type === "SERVER_ALIVE"), interval: 0 })
const plain = Buffer.concat([Frame.header(tag, Frame.flags.plain), Buffer.from(invalid)])
const sealed = Buffer.concat([Frame.header(tag, Frame.flags.sealed), keyId, Buffer.alloc(300, 7)])

const socket = createSocket("udp4")
socket.bind(0, "127.0.0.1", () => {
  socket.setMulticastInterface("127.0.0.1")
  socket.setMulticastTTL(0)
  const started = performance.now()
  let sent = 0
  const tick = () => {
    const elapsed = performance.now() - started
    // What the machine had no time for is not made up for in one burst.
    const due = Math.min(Math.floor(elapsed * perSecond / 1_000), sent + Math.ceil(perSecond / 100))
    for (; sent < due; sent++) {
      sealed.writeUInt32BE(sent, 12)
      const [address, port] = targets[(sent >> 1) % targets.length]!
      socket.send(sent % 2 === 0 ? plain : Buffer.from(sealed), Number(port), address)
    }
    if (elapsed < seconds * 1_000) return void setTimeout(tick, 2)
    socket.close()
    process.stdout.write(`${sent}\n`)
  }
  tick()
})
