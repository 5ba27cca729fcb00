/** How far a group is from one in which somebody may lead. */
import * as Lease from "../protocol/model/Lease.ts"
import type * as Settings from "../settings/Settings.ts"

/** Where fewer servers are in view than must be for one to lead, how many there are and how many must be; else null. */
export const shortfall = (
  { groupSize, minimumMembers }: Pick<Settings.Settings, "groupSize" | "minimumMembers">,
  { members }: { readonly members: ReadonlyArray<{ readonly name: string; readonly votes?: false | undefined }> }
): string | null => {
  const voters = members.filter(({ votes }) => votes !== false).length
  const majority = groupSize === undefined ? 0 : Lease.majority({ groupSize })
  if (voters < members.length && voters < majority) {
    return `${voters} of ${groupSize} voters in view, ${majority} must be`
  }
  const needed = Math.max(minimumMembers, majority)
  if (members.length >= needed) return null
  return `${members.length}${groupSize === undefined ? "" : ` of ${groupSize}`} in view, ${needed} must be`
}
