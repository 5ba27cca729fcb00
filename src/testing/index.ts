/**
 * What tests need: a network in memory, machines with clocks of their own, and whole groups of servers on them.
 *
 * @since 0.1.0
 */
export * as Agreement from "./Agreement.ts"
export * as Explorer from "./Explorer.ts"
export * as Faults from "./Faults.ts"
export * as Invariants from "./Invariants.ts"
export * as LinkGraph from "./LinkGraph.ts"
export * as Shrink from "./Shrink.ts"
export * as SimulatedClients from "./SimulatedClients.ts"
export * as SimulatedClock from "./SimulatedClock.ts"
export * as SimulatedGroup from "./SimulatedGroup.ts"
export * as SimulatedNetwork from "./SimulatedNetwork.ts"
export * as Simulation from "./Simulation.ts"
export * as Timeline from "./Timeline.ts"
export * as Traffic from "./Traffic.ts"
export * as VirtualTime from "./VirtualTime.ts"
export * as Watcher from "./Watcher.ts"
