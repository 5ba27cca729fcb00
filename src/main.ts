#!/usr/bin/env node
/**
 * The process. Looks at the version of Node, then loads the program: kept so plain that versions which cannot run the
 * program can still read this file, and say so in one line instead of a stack trace.
 *
 * @since 0.1.0
 */
const oldest = [20, 19]

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)
if (major < oldest[0]! || (major === oldest[0] && minor < oldest[1]!)) {
  process.stderr.write(`bellwether needs Node ${oldest.join(".")} or newer; this is ${process.versions.node}.\n`)
  process.exitCode = 1
} else {
  void import("./cli/program.ts")
}
