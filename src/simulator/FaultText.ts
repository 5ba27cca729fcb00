/** What people read of a fault. */
import type { Fault } from "./Fault.ts"
import * as LinkGraph from "./LinkGraph.ts"

/** A fault as one line of a story. */
export const describe = (fault: Fault): string => {
  const lasting = fault.for > 0 ? ` for ${length(fault.for)}` : ""
  switch (fault.kind) {
    case "partition":
      return `the network is split into ${
        fault.parts.map((part) => part.map((index) => `s${index}`).join(" ")).join(" | ")
      }${lasting}`
    case "cut":
      return `nothing gets from s${fault.from} to s${fault.to}${lasting}`
    case "loss":
      return `${percent(fault.probability)} of all datagrams are lost${lasting}`
    case "duplicate":
      return `${percent(fault.probability)} of all datagrams come twice${lasting}`
    case "reorder":
      return `${percent(fault.probability)} of all datagrams are overtaken by up to ${length(fault.by)}${lasting}`
    case "delay":
      return `datagrams take up to ${length(fault.max)}${lasting}`
    case "multicastLoss":
      return `s${fault.server} loses ${percent(fault.probability)} of all multicasts${lasting}`
    case "overflow":
      return `the receive buffer of s${fault.server} is full${lasting}`
    case "kill":
      return `s${fault.server} is killed, and started again after ${length(fault.for)}`
    case "crash":
      return `s${fault.server} loses its power, and starts again after ${length(fault.for)}`
    case "stop":
      return `s${fault.server} is stopped properly, and started again after ${length(fault.for)}`
    case "restart":
      return `s${fault.server} is killed and started again at once`
    case "pause":
      return `the process of s${fault.server} is paused${lasting}`
    case "suspend":
      return `the machine of s${fault.server} sleeps${lasting}`
    case "jump":
      return `the wall clock of s${fault.server} is set ${fault.by < 0 ? "back" : "forward"} by ${
        length(Math.abs(fault.by))
      }`
    case "drift":
      return `the clocks of s${fault.server} run at ${fault.rate.toFixed(4)} of true speed${lasting}`
    case "move":
      return `s${fault.server} ${
        fault.for > 0 ? `has no address for ${length(fault.for)}, and then` : "has another address:"
      } 10.0.0.${fault.host}`
    case "secondNetwork":
      return `s${fault.server} is on a second network${lasting}`
    case "lateNetwork":
      return `s${fault.server} is killed and started again before its network, which comes after ${length(fault.for)}`
    case "noScans":
      return `s${fault.server} cannot look at its interfaces${lasting}`
    case "noSockets":
      return `s${fault.server} has no file descriptors left${lasting}`
    case "noSends":
      return `s${fault.server} cannot send${lasting}`
    case "deadNames":
      return `names are ${
        fault.how === "silent" ? "not resolved" : fault.how === "old" ? "resolved as they were" : "resolved late"
      }${lasting}`
    case "change":
      return `s${fault.server} has priority ${fault.priority} and the zone ${fault.zone} from now on`
    case "resign":
      return `s${fault.server} gives the lead up, if it has it`
    case "links":
      return `nothing gets ${LinkGraph.describe(fault.missing)}${lasting}`
    case "deaf":
      return `nothing gets to s${fault.server}${lasting}`
    case "mute":
      return `nothing that s${fault.server} sends gets anywhere${lasting}`
    case "lossyHost":
      return `${percent(fault.probability)} of what s${fault.server} ${
        fault.way === "in" ? "receives" : fault.way === "out" ? "sends" : "sends and receives"
      } is lost${lasting}`
    case "pauses":
      return `the process of s${fault.server} is paused for ${length(fault.pause)} of every ${
        length(fault.every)
      }${lasting}`
    case "rollback":
      return `the machine of s${fault.server} is set back to a snapshot of ${length(fault.by)} before${
        fault.isNoticed ? ", and tells" : ""
      }`
    case "tcp":
      return `connections to s${fault.server} are ${
        fault.how === "taken" ? "taken by another program" : fault.how
      }${lasting}`
    case "slowWork":
      return `leading work of s${fault.server} takes longer to stop than it has${lasting}`
  }
}

const percent = (probability: number) => `${Math.round(probability * 100)} %`

const length = (millis: number): string =>
  millis < 1_000
    ? `${Math.round(millis)} ms`
    : millis < 120_000
    ? `${(millis / 1_000).toFixed(1)} s`
    : `${(millis / 60_000).toFixed(1)} min`
