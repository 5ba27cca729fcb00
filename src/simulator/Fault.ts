/** One thing that goes wrong in a simulated run, as plain data. */
import type * as LinkGraph from "./LinkGraph.ts"

/**
 * One fault. All times are in ms: `at` since the start of the run, `for` how long it lasts. Servers go by their number.
 *
 * - `partition`: the parts hear nothing of each other. `cut`: one way, between two servers.
 * - `loss`, `duplicate`, `reorder`, `delay`: happen to all datagrams, with this probability, by up to this much.
 * - `multicastLoss`: of what one server receives by multicast alone. `overflow`: its receive buffer is full.
 * - `kill`: SIGKILL, `crash`: power off, `stop`: SIGTERM; each followed by a new start after `for`. `restart`: at once.
 * - `pause`: SIGSTOP. `suspend`: the lid is closed. `jump`: its wall clock is set. `drift`: its clocks run at this rate.
 * - `move`: its address changes to 10.0.0.`host`; `for` is how long it has none in between. `secondNetwork`: its machine is on
 *   10.0.1 too. `lateNetwork`: killed, and started again at once, but its network comes only at the end.
 * - `noScans`, `noSockets`, `noSends`: it cannot look at its interfaces, open sockets, or send.
 * - `deadNames`: names of seeds are resolved as `how` says. All servers of a run with one name each other so.
 * - `links`: nothing passes over these, each one way. `deaf`: nothing gets to this server, `mute`: nothing from it. `lossyHost`:
 *   so much is lost of what it receives, sends, or both. `pauses`: its process is paused for `pause` of every `every` ms. These
 *   may last for longer than the group takes to settle, and then it is looked at while they do.
 * - `rollback`: its machine is set back to a snapshot of so many ms ago, with its clocks but the wall clock. Under a lease that is
 *   outside what is assumed, unless it is noticed: by a generation id of the machine that changes.
 * - `tcp`: connections to this server, which are its crash links, are rejected or dropped by a firewall, or accepted by another
 *   program at the ports that a process of its host had.
 * - `slowWork`: leading work that it stops takes longer than `stopTimeout`, in every reign.
 * - `resign`: its app gives the lead up, if it has it. `change`: its app changes its priority, and its tags to a `zone`. No faults, but
 *   changes all the same.
 */
export type Fault =
  | {
    readonly kind: "partition"
    readonly at: number
    readonly for: number
    readonly parts: ReadonlyArray<ReadonlyArray<number>>
  }
  | { readonly kind: "cut"; readonly at: number; readonly for: number; readonly from: number; readonly to: number }
  | { readonly kind: "loss" | "duplicate"; readonly at: number; readonly for: number; readonly probability: number }
  | {
    readonly kind: "reorder"
    readonly at: number
    readonly for: number
    readonly probability: number
    readonly by: number
  }
  | { readonly kind: "delay"; readonly at: number; readonly for: number; readonly max: number }
  | {
    readonly kind: "multicastLoss"
    readonly at: number
    readonly for: number
    readonly server: number
    readonly probability: number
  }
  | {
    readonly kind:
      | "overflow"
      | "kill"
      | "crash"
      | "stop"
      | "suspend"
      | "secondNetwork"
      | "lateNetwork"
    readonly at: number
    readonly for: number
    readonly server: number
  }
  | {
    readonly kind: "noScans" | "noSockets" | "noSends"
    readonly at: number
    readonly for: number
    readonly server: number
  }
  | {
    readonly kind: "pause"
    readonly at: number
    readonly for: number
    readonly server: number
    readonly first: "datagrams" | "sleepers"
  }
  | {
    readonly kind: "drift"
    readonly at: number
    readonly for: number
    readonly server: number
    readonly rate: number
  }
  | {
    readonly kind: "move"
    readonly at: number
    readonly for: number
    readonly server: number
    readonly host: number
  }
  | {
    readonly kind: "deadNames"
    readonly at: number
    readonly for: number
    readonly how: "silent" | "late" | "old"
  }
  | {
    readonly kind: "links"
    readonly at: number
    readonly for: number
    readonly missing: ReadonlyArray<LinkGraph.Link>
  }
  | {
    readonly kind: "deaf" | "mute" | "slowWork"
    readonly at: number
    readonly for: number
    readonly server: number
  }
  | {
    readonly kind: "lossyHost"
    readonly at: number
    readonly for: number
    readonly server: number
    readonly way: "in" | "out" | "both"
    readonly probability: number
  }
  | {
    readonly kind: "pauses"
    readonly at: number
    readonly for: number
    readonly server: number
    readonly every: number
    readonly pause: number
  }
  | {
    readonly kind: "rollback"
    readonly at: number
    readonly for: 0
    readonly server: number
    readonly by: number
    readonly isNoticed: boolean
  }
  | {
    readonly kind: "tcp"
    readonly at: number
    readonly for: number
    readonly server: number
    readonly how: "rejected" | "dropped" | "taken"
  }
  | { readonly kind: "restart" | "resign"; readonly at: number; readonly for: 0; readonly server: number }
  | {
    readonly kind: "change"
    readonly at: number
    readonly for: 0
    readonly server: number
    readonly priority: number
    readonly zone: string
  }
  | { readonly kind: "jump"; readonly at: number; readonly for: 0; readonly server: number; readonly by: number }
