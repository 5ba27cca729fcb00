/**
 * What tests need: a network in memory, machines with clocks of their own, and whole groups of servers on them.
 *
 * @since 0.1.0
 */
export * as SimulatedClients from "./SimulatedClients.ts"
export * as SimulatedClock from "./SimulatedClock.ts"
export * as SimulatedGroup from "./SimulatedGroup.ts"
export * as SimulatedNetwork from "./SimulatedNetwork.ts"
export * as Traffic from "./Traffic.ts"
export * as VirtualTime from "./VirtualTime.ts"
