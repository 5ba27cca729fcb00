// The program in few files: Effect's modules one by one cost 0.4 s at start. `main.js` is the small door that old
// versions of Node can read as well; each command is loaded when it is called for.
import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { defineConfig } from "rolldown"
import { minify } from "rolldown/utils"
import { makePage } from "./scripts/page.mjs"

const packageOf = (file) => {
  const folder = dirname(file)
  // Folders within a package may have a file of their own: only the package's own is below `node_modules`.
  return /node_modules\/(@[^/]+\/)?[^/]+$/.test(folder.replaceAll("\\", "/")) ? folder : packageOf(folder)
}

const page = await makePage()

// `#page` in the library is the file beside it, as package.json says; the program has it within.
const pages = {
  name: "page",
  resolveId: (id) => id === "#page" ? id : null,
  load: (id) => id === "#page" ? page.module : null,
  generateBundle() {
    this.emitFile({ type: "asset", fileName: "page.js", source: page.module })
  }
}

// The licences of what is bundled ask to go wherever it goes.
const licences = {
  name: "licences",
  generateBundle() {
    const bundled = [...this.getModuleIds(), ...page.moduleIds].filter((id) =>
      id.includes("node_modules") && existsSync(id)
    )
    const texts = [...new Set(bundled.map(packageOf))].map((folder) => {
      const { license, name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
      const file = ["LICENSE", "LICENSE.md", "license"].map((file) => join(folder, file)).find(existsSync)
      if (file === undefined) throw new Error(`${name} has no licence file to go with the program`)
      return `${name} ${version} (${license})\n\n${readFileSync(file, "utf8").trim()}\n`
    })
    this.emitFile({ type: "asset", fileName: "program/LICENSES.txt", source: texts.join("\n---\n\n") })
  }
}

// What every start needs in one file, what `serve` needs besides in another, and in a third the reader of all command lines: each file
// costs a third of a millisecond at every start, and the commands share so much that they would cut it into dozens.
const needed = { program: new Set(), serve: new Set(), commands: new Set() }
const shared = {
  name: "shared",
  buildEnd() {
    const add = (id, to) => {
      const module = this.getModuleInfo(id)
      if (module === null || Object.values(needed).some((modules) => modules.has(id))) return
      to.add(id)
      for (const imported of module.importedIds) add(imported, to)
    }
    for (const [command, to] of Object.entries(needed)) {
      for (const id of this.getModuleIds()) {
        if (new RegExp(`[\\\\/]src[\\\\/]cli[\\\\/]${command}\\.ts$`).test(id)) add(id, to)
      }
    }
  }
}

// Modules of Node are asked for, not imported: an import makes a module of each, for which it reads all that they export, and with that
// loads what nobody uses (`fs/promises`, all of `util`). That took an eighth of the start.
const builtins = {
  name: "builtins",
  renderChunk: (code) =>
    code.replaceAll(
      /^import (?:\* as )?([\w$]+|\{[^}]*\}) from "(node:[\w/]+)";$/gm,
      (_, names, module) =>
        `const ${names.replaceAll(/\b([\w$]+) as /g, "$1: ")} = process.getBuiltinModule(${JSON.stringify(module)});`
    )
}

// Without it, versions that know no modules read the door as well: they get its one line, not a syntax error.
const plainDoor = {
  name: "plain-door",
  renderChunk: (code, chunk) => chunk.isEntry ? { code: code.replace(/\nexport \{\s*\};\s*$/, "\n") } : null
}

// All but the door, which old versions read, and with the names of functions, which a report of a defect shows. In ASCII alone: one other
// character makes of each in memory two bytes.
const options = { module: true, mangle: { keepNames: true }, codegen: { asciiOnly: true, removeWhitespace: true } }
const small = {
  name: "small",
  renderChunk: async (code, { fileName, isEntry }) => isEntry ? null : (await minify(fileName, code, options)).code
}

export default defineConfig({
  input: { main: "src/main.ts" },
  platform: "node",
  preserveEntrySignatures: false,
  // Made for the oldest Node of `engines` in package.json.
  transform: { target: "node20.19" },
  plugins: [pages, licences, shared, builtins, plainDoor, small],
  output: {
    format: "esm",
    // They are a third of it, and read at each start. The licences have a file of their own.
    comments: false,
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: Object.entries(needed).map(([name, modules]) => ({ name, test: (id) => modules.has(id) }))
    },
    entryFileNames: "[name].js",
    chunkFileNames: "program/[name]-[hash].js"
  }
})
