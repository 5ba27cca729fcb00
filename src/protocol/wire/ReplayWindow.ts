/**
 * Which of a session's datagrams were heard already: the highest counter, and which of the {@link width} counters up to it
 * came. A datagram that came once is not taken again, and neither is one that is too old to tell.
 *
 * The window is that of IPsec (RFC 4303, 3.4.3), wide enough for datagrams that overtake each other on a LAN.
 */

/** How many counters below the highest are told apart; older ones count as seen. */
export const width = 1_024

/** `highest` is -1 before the first. Bit n of `seen` says that the counter n below the highest came. */
export interface ReplayWindow {
  readonly highest: number
  readonly seen: bigint
}

/** The window in which nothing came yet. */
export const empty: ReplayWindow = { highest: -1, seen: 0n }

const whole = (1n << BigInt(width)) - 1n

/** The window after a datagram with this counter, a whole number from 0 on; null where it came before, or is too old. */
export const admit = ({ highest, seen }: ReplayWindow, counter: number): ReplayWindow | null => {
  if (counter > highest) {
    const by = counter - highest
    return { highest: counter, seen: by >= width ? 1n : ((seen << BigInt(by)) & whole) | 1n }
  }
  const behind = highest - counter
  if (behind >= width) return null
  const bit = 1n << BigInt(behind)
  return (seen & bit) === 0n ? { highest, seen: seen | bit } : null
}
