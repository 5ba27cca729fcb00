/**
 * Profiles: all the times of a group set together, so that they fit each other. A single time that is set by itself
 * overrides its profile's.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"

/**
 * The times that a profile sets.
 *
 * @category models
 * @since 0.1.0
 */
export interface Times {
  readonly heartbeatInterval: Duration.Duration
  readonly leaderInterval: Duration.Duration
  readonly cleanupInterval: Duration.Duration
  readonly memberTimeout: Duration.Duration
  readonly probeTimeout: Duration.Duration
  readonly discoveryWindow: Duration.Duration
  readonly electionStagger: Duration.Duration
  readonly okTimeout: Duration.Duration
  readonly coordinatorTimeout: Duration.Duration
}

/**
 * Every profile by its name.
 *
 * - `standard`: a leader that falls silent is replaced within about 2.5 s, another member is removed within 46 s, for next
 *   to no traffic. One that stops properly is replaced at once in every profile.
 * - `fast`: replaced within about 1.2 s, removed within about 3 s, on a network that carries its datagrams within tens of
 *   milliseconds.
 * - `realtime`: replaced, and removed, within about 200 ms. Only for quiet hosts on one switch: a pause of a tenth of a
 *   second, which a busy host makes every day, is a death there.
 *
 * @category models
 * @since 0.1.0
 */
export const profiles = {
  standard: {
    heartbeatInterval: Duration.seconds(10),
    leaderInterval: Duration.millis(500),
    cleanupInterval: Duration.seconds(15),
    memberTimeout: Duration.seconds(30),
    probeTimeout: Duration.millis(150),
    discoveryWindow: Duration.millis(300),
    electionStagger: Duration.millis(20),
    okTimeout: Duration.seconds(1),
    coordinatorTimeout: Duration.seconds(2)
  },
  fast: {
    heartbeatInterval: Duration.millis(500),
    leaderInterval: Duration.millis(150),
    cleanupInterval: Duration.millis(500),
    memberTimeout: Duration.millis(1600),
    probeTimeout: Duration.millis(100),
    discoveryWindow: Duration.millis(200),
    electionStagger: Duration.millis(10),
    okTimeout: Duration.millis(300),
    coordinatorTimeout: Duration.millis(600)
  },
  realtime: {
    heartbeatInterval: Duration.millis(50),
    leaderInterval: Duration.millis(30),
    cleanupInterval: Duration.millis(25),
    memberTimeout: Duration.millis(120),
    probeTimeout: Duration.millis(10),
    discoveryWindow: Duration.millis(100),
    electionStagger: Duration.millis(3),
    okTimeout: Duration.millis(40),
    coordinatorTimeout: Duration.millis(80)
  }
} as const satisfies Record<string, Times>

/**
 * The name of a profile.
 *
 * @category models
 * @since 0.1.0
 */
export type Profile = keyof typeof profiles

/**
 * The names of all profiles, the default first.
 *
 * @category models
 * @since 0.1.0
 */
export const names = Object.keys(profiles) as ReadonlyArray<Profile>
