/** How far a group is from one in which somebody may lead. */
import * as Lease from "../protocol/model/Lease.ts"
import type * as Settings from "../settings/Settings.ts"

/** Where fewer servers are in view than must be for one to lead, how many there are and how many must be; else null. */
export const shortfall = (
  { groupSize, minimumMembers }: Pick<Settings.Settings, "groupSize" | "minimumMembers">,
  { members }: { readonly members: ReadonlyArray<unknown> }
): string | null => {
  const needed = Math.max(minimumMembers, groupSize === undefined ? 1 : Lease.majority({ groupSize }))
  if (members.length >= needed) return null
  return `${members.length}${groupSize === undefined ? "" : ` of ${groupSize}`} in view, ${needed} must be`
}
