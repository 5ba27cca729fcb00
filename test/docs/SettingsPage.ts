/**
 * The page of settings, `docs/settings.md`: made of the list of settings and of what the comments on `Options` say.
 */
import * as Profile from "../../src/settings/Profile.ts"
import type { Setting } from "../../src/settings/Setting.ts"
import * as Settings from "../../src/settings/Settings.ts"
import * as Page from "./Page.ts"

/** The comments on the options, by key, each on one line. */
export const comments = (): ReadonlyMap<string, string> => {
  const text = Page.read("src/settings/Options.ts")
  const found = text.matchAll(/\/\*\*((?:(?!\*\/).)*)\*\/\s*readonly (\w+)\?:/gs)
  return new Map(
    [...found].map(([, comment = "", key = ""]) => [key, comment.replaceAll(/(\s*\n\s*\*)+\s*/g, " ").trim()])
  )
}

/** What the comment on an option ends with. */
export const ending = (key: Settings.Key): string =>
  `Default: ${Settings.defaultText(key)}. Allowed: ${Settings.settings[key].allowed}.`

const defaults = (key: Settings.Key): string => {
  const setting: Setting<unknown, unknown> = Settings.settings[key]
  const all = Profile.names.map((profile) => Settings.format(key, setting.default(profile) as never))
  return all.every((one) => one === all[0])
    ? Settings.defaultText(key)
    : Profile.names.map((profile, index) => `${all[index]} (${profile})`).join(", ")
}

const section = (key: Settings.Key, comment: string): ReadonlyArray<string> => {
  const isFlag = (Settings.flagKeys as ReadonlyArray<Settings.Key>).includes(key)
  return [
    `## ${key}`,
    "",
    comment.slice(0, -ending(key).length).trim(),
    "",
    `- Default: ${defaults(key)}`,
    `- Allowed: ${Settings.settings[key].allowed}`,
    `- In code: \`${key}\``,
    isFlag ? `- Flag: \`${Settings.flagName(key)}\`` : "- No flag",
    `- Environment: \`${Settings.environmentName(key)}\``,
    ""
  ]
}

const head = `# Settings

Each setting is an option in code, a flag and a variable of the environment. A flag comes before the environment. Code
reads the environment only by \`layerConfig\`. An option or a flag that does not exist is refused. A variable that begins with
\`BELLWETHER_\` and is no setting is passed over, and reported with the nearest name; it is refused if the nearest name is
that of a key.

In nested data (\`ConfigProvider.fromUnknown\`) the settings stand below \`bellwether\` by their names in code. \`Config.nested\`
puts a name of the app before all of them: with \`Config.nested(Settings.config, "ORDERS")\` the port is
\`ORDERS_BELLWETHER_PORT\`.

This page is generated (\`npm run docs:write\`).
`

export const page = (): string => {
  const all = comments()
  return [head, ...Settings.keys.flatMap((key) => section(key, all.get(key) ?? ""))].join("\n").trimEnd() + "\n"
}
