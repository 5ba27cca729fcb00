// Adds to package-lock.json the builds of tools for other platforms that npm left out of it.
//
// npm drops optional packages that it could not see while it wrote the lock file (a registry mirror with one platform's
// packages only, or npm/cli#4828), and `npm ci` then refuses the lock file on every machine. The missing entries follow
// from the name and the exact version that the parent asks for. They carry no checksum: npm fills it in when somebody
// writes the lock file where those packages can be seen.
//
//   npm install --package-lock-only && node scripts/complete-lock.mjs
import { readFileSync, writeFileSync } from "node:fs"

const file = new URL("../package-lock.json", import.meta.url)
const lock = JSON.parse(readFileSync(file, "utf8"))

const systems = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"]
const processors = {
  "arm64": "arm64",
  "arm": "arm",
  "ia32": "ia32",
  "loong64": "loong64",
  "ppc64": "ppc64",
  "riscv64": "riscv64",
  "s390x": "s390x",
  "wasm32": "wasm32",
  "x64": "x64"
}

const platformOf = (name) => {
  const words = name.split(/[/-]/)
  const os = systems.find((system) => words.includes(system))
  const cpu = Object.keys(processors).find((processor) => words.includes(processor))
  const libc = words.some((word) => word.startsWith("musl")) ?
    "musl" :
    words.some((word) => word.startsWith("gnu") || word === "glibc") ?
    "glibc" :
    undefined
  if (cpu === undefined) throw new Error(`${name} names no processor: add it to package-lock.json by hand`)
  return { cpu: [cpu], ...(libc && os === "linux" ? { libc: [libc] } : {}), ...(os ? { os: [os] } : {}) }
}

const added = []
for (const [path, parent] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    // What the parent would find: its own copy, else the shared one.
    const shared = `node_modules/${name}`
    const own = `${path}/${shared}`
    const found = lock.packages[own] ?? lock.packages[shared]
    const exact = /^\d+\.\d+\.\d+$/.test(version)
    if (found?.version === version || (found?.version !== undefined && !exact)) continue
    if (!exact) throw new Error(`${path} asks for ${name}@${version}, a range: add it to package-lock.json by hand`)
    lock.packages[found === undefined ? shared : own] = {
      version,
      resolved: `https://registry.npmjs.org/${name}/-/${name.split("/").at(-1)}-${version}.tgz`,
      ...platformOf(name),
      dev: true,
      optional: true
    }
    added.push(`${name}@${version}`)
  }
}

const [root, ...others] = Object.entries(lock.packages)
others.sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0)
lock.packages = Object.fromEntries([root, ...others])
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
console.error(added.length === 0 ? "The lock file names every platform." : `Added:\n  ${added.join("\n  ")}`)
