/**
 * Makes the program that is started with `--import` of this one of a later wire version: it says more in every message
 * than this one knows, says kinds of messages that this one does not know, and says everything in the next version too.
 */
import dgram from "node:dgram"

const headerBytes = 8
const { send } = dgram.Socket.prototype

dgram.Socket.prototype.send = function(frame, ...rest) {
  if (frame.length < headerBytes || frame[0] !== 0x42 || frame[1] !== 0x57) return send.call(this, frame, ...rest)
  const header = frame.subarray(0, headerBytes)
  const message = JSON.parse(new TextDecoder().decode(frame.subarray(headerBytes)))
  const write = (changed, version) => {
    const written = Buffer.concat([header, Buffer.from(JSON.stringify(changed))])
    written[2] = version
    return written
  }
  const more = {
    ...message,
    mood: "good",
    plans: [{ at: 1 }],
    ...message.sender && { sender: { ...message.sender, shoe: 42 } }
  }
  const quiet = rest.map((one) => typeof one === "function" ? () => {} : one)
  send.call(this, write(more, 2), ...quiet)
  send.call(this, write({ ...more, type: "SERVER_SINGS" }, 1), ...quiet)
  return send.call(this, write(more, 1), ...rest)
}
