/**
 * A command line that cannot be understood, as one line: what is wrong, and what would be right.
 *
 * The parser's own way is to print all of help on standard output, where it drowns the reason and breaks pipes.
 */
import type * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Name from "../protocol/model/Name.ts"
import * as KeyRing from "../protocol/wire/KeyRing.ts"
import { shown } from "../settings/SettingRefused.ts"
import * as Settings from "../settings/Settings.ts"
import * as Spelling from "../settings/Spelling.ts"
import * as Help from "./help.ts"
import * as Output from "./output.ts"

const more = "(--help shows all)"
const words = "serve, watch, members, leader, doctor, client, send, resign, step-down, transfer, evict, simulate"

const settingFlags: ReadonlySet<string> = new Set(Settings.flagKeys.map(Settings.flagName))

const quoted = (typed: string) => {
  const text = KeyRing.hidden(typed)
  return Name.quoted(text.length > 80 ? `${text.slice(0, 77)}...` : text)
}
/** What was probably meant: by the parser, which counts slips, or else by ours, which knows beginnings and ways to write a name. */
const closest = (suggestions: ReadonlyArray<string>, typed: string, known: ReadonlyArray<string>) => {
  const nearest = suggestions.length > 0 ? undefined : Spelling.nearest(typed, known)
  const meant = nearest === undefined ? suggestions : [nearest]
  return meant.length === 0 ? "" : `; did you mean ${meant.join(" or ")}?`
}

/** The first thing that is wrong: what follows is often its consequence, such as the value of a mistyped flag. */
export const describe = (
  errors: ReadonlyArray<CliError.NonShowHelpErrors>,
  flags: ReadonlyMap<string, string>
): string => {
  const error = errors[0]
  if (error === undefined) return "the command line cannot be understood"
  switch (error._tag) {
    case "UnrecognizedOption": {
      const secret = Help.secrets.find((key) => Settings.flagName(key) === error.option)
      if (secret !== undefined) {
        return `${error.option} is no flag: flags are seen in lists of processes; allowed: ${
          Settings.environmentName(secret)
        }, or ${Settings.flagName(secret === "key" ? "keyFile" : "httpTokenFile")}`
      }
      const [, command] = error.command ?? []
      if (
        command !== undefined && flags.has(error.option) && errors.every((other) => other._tag === "UnrecognizedOption")
      ) {
        return `${error.option} is no flag of ${command}, or stands before that word; flags come after it ${more}`
      }
      return `unknown flag ${error.option}${closest(error.suggestions, error.option, [...flags.keys()])} ${more}`
    }
    case "UnknownSubcommand":
      return `unknown word ${quoted(error.subcommand)}; allowed: ${words}${
        closest(error.suggestions, error.subcommand, words.split(", "))
      } ${more}`
    case "UnexpectedArgument":
      return `unknown word ${
        quoted(error.arguments[0] ?? "")
      }; allowed here: flags only, and a text of several words in quotes ${more}`
    case "MissingArgument":
      return `the ${error.argument} is missing; allowed: one, in quotes where it has spaces ${more}`
    case "MissingOption":
      return `--${error.option} is missing; allowed: ${flags.get(`--${error.option}`) ?? "a value"} ${more}`
    case "DuplicateOption":
      return `${error.option} was given twice; allowed: once`
    case "InvalidValue": {
      const flag = `--${error.option}`
      if (error.value.endsWith(" occurrences")) return `${flag} was given more than once; allowed: once`
      const allowed = flags.get(flag) ?? error.expected
      return error.value === "" && !error.expected.startsWith("Schema")
        ? `${flag} has no value; allowed: ${allowed} ${more}`
        : `${flag} is ${settingFlags.has(flag) ? shown(error.value) : quoted(error.value)}; allowed: ${allowed}`
    }
    default:
      return error.message
  }
}

/** Help and version as they are; what is refused as one line on standard error. */
export const presenter = (flags: ReadonlyMap<string, string>): CliOutput.Presenter => ({
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Output.complain(describe(event.errors, flags))
      : event._tag === "Help"
      ? Effect.andThen(CliOutput.defaultPresenter.present(event), Console.log(Help.epilogue))
      : CliOutput.defaultPresenter.present(event)
})
