/** Findings about votes: how many servers have one, and whether that fits `groupSize`. Where there is no lease nothing is said of it. */
import * as Lease from "../protocol/model/Lease.ts"
import * as Voters from "../protocol/model/Voters.ts"
import { all, type Finding, note, one, problem } from "./Finding.ts"
import type { Observations, Server } from "./Observations.ts"
import { intervalOf, leaderOf, type Rule, server } from "./Seen.ts"

/** What is known of the votes of a group that elects by lease. */
export interface Votes {
  /** Servers that have a vote, now or when their silent start is over, and those that have none. */
  readonly voters: ReadonlyArray<Server>
  readonly others: ReadonlyArray<Server>
  /** As the leader says, else as a candidate does, else by the settings here; null where nobody has said. */
  readonly groupSize: number | null
}

const hasVote = ({ votesIn = 0 }: Server): boolean => votesIn < Voters.never

/** Null where nothing says that there is a lease. Servers that are only in the list of another count. */
export const votesOf = (seen: Observations): Votes | null => {
  const there = seen.servers.filter(({ answered, listed, multicast }) =>
    answered !== null || multicast !== null || listed
  )
  const said = leaderOf(seen)?.groupSize ?? there.find(({ groupSize }) => groupSize !== undefined)?.groupSize
  const groupSize = said ?? seen.groupSize ?? null
  const voters = there.filter(hasVote)
  const others = there.filter((one) => !hasVote(one))
  return groupSize === null && others.length === 0 ? null : { voters, others, groupSize }
}

const nobody: Rule = (seen) => {
  const votes = votesOf(seen)
  if (votes === null || votes.voters.length > 0 || votes.others.length === 0) return []
  return [problem(
    "NobodyVotes",
    votes.others.map(server),
    `No server that is seen has a vote: ${all(votes.others.map(server))}.`,
    "Nobody can lead. Start as many servers as groupSize says without votes off; three or five are enough for any number of others."
  )]
}

/** A member that is gone stays in the lists of others until its time-out: only who lives counts as too many. */
const isHeard = (seen: Observations) => (one: Server): boolean =>
  seen.lasted - Math.max(one.answered?.last ?? -Infinity, one.multicast?.last ?? -Infinity) <= 2 * intervalOf(seen, one)

const count: Rule = (seen) => {
  const votes = votesOf(seen)
  if (votes === null || votes.groupSize === null || votes.voters.length === 0) return []
  const { groupSize, voters } = votes
  const heard = voters.filter(isHeard(seen))
  const names = all(voters.map(server))
  if (heard.length > groupSize) {
    return [problem(
      "VotersTooMany",
      heard.map(server),
      `${heard.length} servers have a vote, and groupSize is ${groupSize}: ${all(heard.map(server))}.`,
      "Two majorities are possible, and so two leaders at once. Stop servers, or start some with votes off. To change groupSize, stop all "
        + "servers first."
    )]
  }
  const needed = Lease.majority({ groupSize })
  if (voters.length >= groupSize) return []
  const seenOf = `${voters.length} of ${groupSize} voters ${one(voters, "is", "are")} seen: ${names}`
  // Where somebody leads, a majority is there that is not seen from here.
  return voters.length < needed && leaderOf(seen) === undefined
    ? [problem(
      "VotersTooFew",
      voters.map(server),
      `Only ${seenOf}. A majority is ${needed}, so nobody can lead.`,
      "Start the others. Where they run, doctor on their hosts says why they are not seen. Servers with votes off do not count."
    )]
    : [note(
      "VotersTooFew",
      voters.map(server),
      `${seenOf}. A majority is ${needed}.`,
      "Start the others: the group bears the loss of fewer servers than it should."
    )]
}

const agreement: Rule = (seen) => {
  const said = seen.servers.flatMap((one) => one.groupSize === undefined ? [] : [[one, one.groupSize] as const])
  const own = seen.groupSize
  const sizes = new Set(said.map(([, groupSize]) => groupSize))
  const about = said.map(([one]) => server(one))
  const words = all(said.map(([one, groupSize]) => `${server(one)} ${groupSize}`))
  const mend =
    "Give all servers the same: stop all, and start them anew. Servers that differ do not vote for each other."
  const findings: Array<Finding> = []
  if (sizes.size > 1) findings.push(problem("GroupSizeDiffers", about, `Servers differ in groupSize: ${words}.`, mend))
  else if (own !== undefined && sizes.size === 1 && !sizes.has(own)) {
    const says = `The settings here have groupSize ${own}; by their own word: ${words}.`
    findings.push(
      problem("GroupSizeDiffers", about, says, `${mend} If doctor alone was given another one, nothing is wrong.`)
    )
  }
  return findings
}

/** All of them. */
export const rules: ReadonlyArray<Rule> = [nobody, count, agreement]
