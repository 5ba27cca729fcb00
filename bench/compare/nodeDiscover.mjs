// One server of node-discover, which says in a line each whom it follows and how many others it sees.
import Discover from "node-discover"

const [name, weight, helloInterval, checkInterval, nodeTimeout] = process.argv.slice(2)
const others = new Map()
let leader = null

const say = () => console.log(JSON.stringify({ at: Date.now(), leader, sees: others.size }))

const discover = new Discover({
  weight: Number(weight),
  helloInterval: Number(helloInterval),
  checkInterval: Number(checkInterval),
  nodeTimeout: Number(nodeTimeout),
  broadcast: "192.0.2.255",
  advertisement: { name }
})
discover.on("promotion", () => {
  leader = name
  say()
})
discover.on("demotion", () => {
  if (leader === name) leader = null
  say()
})
discover.on("master", ({ advertisement }) => {
  leader = advertisement.name
  say()
})
discover.on("added", ({ advertisement, id }) => {
  others.set(id, advertisement.name)
  say()
})
discover.on("removed", ({ advertisement, id }) => {
  others.delete(id)
  if (leader === advertisement.name) leader = null
  say()
})
// What its users are told to do at the end.
process.once("SIGTERM", () => {
  discover.stop()
  process.exit()
})
