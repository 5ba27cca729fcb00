// The program in few files: Effect's modules one by one cost 0.4 s at start. `main.js` is the small door that old
// versions of Node can read as well; each command is loaded when it is called for.
import { defineConfig } from "rolldown"

export default defineConfig({
  input: { main: "src/main.ts" },
  platform: "node",
  // Made for the oldest Node of `engines` in package.json.
  transform: { target: "node20.19" },
  plugins: [{
    // Without it, versions that know no modules read the door as well: they get its one line, not a syntax error.
    name: "plain-door",
    renderChunk: (code, chunk) => chunk.isEntry ? { code: code.replace(/\nexport \{\s*\};\s*$/, "\n") } : null
  }],
  output: {
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "program/[name]-[hash].js"
  }
})
