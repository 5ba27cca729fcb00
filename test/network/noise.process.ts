/**
 * One source that sends without end to a group on loopback: `noise.process.ts PORT PER_SECOND SECONDS KEY_ID`. Half of it are
 * messages that are not sealed, half claim to be sealed with the group's key, each in a session of its own: the dearest to
 * refuse. Prints how many it sent.
 */
import { createSocket } from "node:dgram"
import * as Frame from "../../src/protocol/Frame.ts"
import { corpus } from "../fuzz/Hostile.ts"

const [port = 0, perSecond = 0, seconds = 0] = process.argv.slice(2, 5).map(Number)
const keyId = Buffer.from(process.argv[5] ?? "", "hex")
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
      socket.send(sent % 2 === 0 ? plain : Buffer.from(sealed), port, "239.255.77.77")
    }
    if (elapsed < seconds * 1_000) return void setTimeout(tick, 2)
    socket.close()
    process.stdout.write(`${sent}\n`)
  }
  tick()
})
