/** What help says besides commands and flags: the settings that are no flag, and the exit codes. */
import * as Settings from "../settings/Settings.ts"

const flagKeys: ReadonlyArray<Settings.Key> = Settings.flagKeys

/** The settings that are no flag: flags are seen in lists of processes. */
export const secrets = Settings.keys.filter((key) => !flagKeys.includes(key))

/** How the program may end. */
export const exitCodes: ReadonlyArray<readonly [code: number, when: string]> = [
  [0, "done, or stopped by SIGINT or SIGTERM"],
  [
    1,
    "doctor found a problem, simulate a broken promise, a server refused a command, or the program has a defect of its own"
  ],
  [2, "a flag, a setting or a message is wrong; one line says which, what it was and what is allowed"],
  [3, "nobody answered members, leader, send, client or a command in time"],
  [70, "the server or client could not go on and has left its group"],
  [129, "stopped by SIGHUP: the terminal was closed"],
  [130, "a command other than serve, watch or client was stopped by SIGINT"],
  [143, "the same, by SIGTERM"]
]

const section = (title: string, rows: ReadonlyArray<readonly [name: string, text: string]>): ReadonlyArray<string> => {
  const width = Math.max(...rows.map(([name]) => name.length))
  return ["", title, ...rows.map(([name, text]) => `  ${name.padEnd(width)}    ${text}`)]
}

/** What stands below the flags. */
export const epilogue = [
  ...section("ENVIRONMENT", [
    ...secrets.map((key) => [Settings.environmentName(key), Settings.settings[key].summary] as const),
    ["BELLWETHER_*", "every other setting, as it is named beside its flag, which comes first"]
  ]),
  ...section("EXIT CODES", exitCodes.map(([code, when]) => [String(code), when]))
].join("\n")
