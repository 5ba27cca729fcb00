/** Other programs than Node that run what is written for Node, and what they lack of what is used here. */
import * as Process from "node:process"

/** The name and version of the one that runs this; undefined under Node. */
export const other: string | undefined = ["Bun", "Deno"].flatMap((name) => {
  const version = Process.versions[name.toLowerCase()]
  return version === undefined ? [] : [`${name} ${version}`]
})[0]

/** Whether a socket hears that nobody listens at the port to which it has sent: those of Deno do not. */
export const hearsRefusals = Process.versions["deno"] === undefined
