// Re-creates static/vendor/plotly: plotly.js with only the traces this page draws. Run: node scripts/vendor-plotly.mjs
// The full distribution is three times as large. npm and a network are needed here and never at run time.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const PLOTLY = "4.1.1";
const ESBUILD = "0.28.2";
const TRACES = ["scatter", "bar", "heatmap"];
const target = join(dirname(fileURLToPath(import.meta.url)), "..", "static", "vendor", "plotly");

const TEXT = String.raw`(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")`;
const DESCRIPTION = new RegExp(String.raw`^[ \t]*description: (?:${TEXT}|\[\s*(?:${TEXT},?\s*)+\]\.join\(${TEXT}\)),?$`, "gm");

/** Attribute descriptions are documentation inside the code, a tenth of its size; plotly's own bundles drop them too. */
const dropDescriptions = {
    name: "drop-descriptions",
    /** @param {import("esbuild").PluginBuild} build */
    setup(build) {
        build.onLoad({ filter: /plotly\.js\/src\/.*\.js$/ }, ({ path }) => ({
            contents: readFileSync(path, "utf8").replace(DESCRIPTION, ""),
        }));
    },
};

async function bundle(work) {
    const { build } = createRequire(join(work, "index.js"))("esbuild");
    const extra = TRACES.filter((trace) => trace !== "scatter").map((trace) => `require("plotly.js/lib/${trace}")`);
    const contents = `const Plotly = require("plotly.js/lib/core"); Plotly.register([${extra}]); module.exports = Plotly;`;
    const result = await build({
        stdin: { contents, resolveDir: work },
        absWorkingDir: work,
        bundle: true, minify: true, write: false, metafile: true,
        format: "iife", globalName: "Plotly", target: "es2016",
        define: { global: "window" },
        loader: { ".css": "empty" },
        banner: { js: `/*! plotly.js ${PLOTLY} (${TRACES.join(", ")}), MIT; bundled licences: LICENSES.txt */` },
        legalComments: "none",
        plugins: [dropDescriptions],
    });
    return { code: Buffer.from(result.outputFiles[0].contents), parts: packagesOf(result.metafile) };
}

/** Names of the npm packages whose code is in the bundle. */
function packagesOf(metafile) {
    const inputs = Object.entries(Object.values(metafile.outputs)[0].inputs);
    const names = inputs.filter(([path, part]) => part.bytesInOutput > 0 && !path.endsWith(".css"))
        .map(([path]) => /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules)/.exec(path)?.[1])
        .filter((name) => name !== undefined);
    return [...new Set(names)].sort();
}

function licences(work, parts) {
    return parts.map((name) => {
        const folder = join(work, "node_modules", name);
        const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
        const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
        const author = typeof about.author === "object" ? about.author?.name : about.author;
        const text = file ? readFileSync(join(folder, file), "utf8") : `Licence ${about.license}; author: ${author ?? "see its repository"}`;
        return `${name} ${about.version} (${about.license})\n\n${text.trim()}\n`;
    }).join(`\n${"-".repeat(80)}\n\n`);
}

/**
 * plotly.js would insert these rules as an inline <style>, which a strict Content-Security-Policy refuses.
 * Left out: the cloud dialog (switched off here) and the rule that hides focus outlines.
 */
function styleRules(work) {
    const source = readFileSync(join(work, "node_modules/plotly.js/build/plotcss.js"), "utf8");
    const rules = new Function(`${/var rules = \{[\s\S]*?\n\};/.exec(source)[0]} return rules;`)();
    const kept = Object.entries(rules).filter(([selector, body]) => !selector.includes("cloud-dialog") && body !== "outline:none;");
    const lines = kept.map(([selector, body]) =>
        `${selector.replaceAll("X", ".js-plotly-plot .plotly").replaceAll("Y", ".plotly-notifier")} { ${body} }`);
    return `/* plotly.js ${PLOTLY}, build/plotcss.js (MIT); made by scripts/vendor-plotly.mjs */\n${lines.join("\n")}\n`;
}

function readme(code, gzip, brotli) {
    const kb = (bytes) => `${Math.round(bytes.length / 1000)} kB`;
    return `# plotly.js ${PLOTLY}

- Traces: ${TRACES.join(", ")}. Licence: MIT (\`LICENSE\`); what it bundles: \`LICENSES.txt\`.
- \`plotly.min.js\`: ${kb(code)}; \`.gz\` ${kb(gzip)}, \`.br\` ${kb(brotli)} (served as they are).
- \`plotly.css\`: the global rules plotly.js would insert as an inline \`<style>\`. Link it as
  \`<link rel="stylesheet" id="plotly.js-style-global" class="no-inline-styles" href="…/plotly.css">\`
  before the script: plotly.js then inserts none, which a strict Content-Security-Policy needs.
- Made by \`node scripts/vendor-plotly.mjs\` (plotly.js ${PLOTLY} and esbuild ${ESBUILD} from npm); the only change
  to the code is that the attributes' descriptions are dropped.
`;
}

const work = mkdtempSync(join(tmpdir(), "vendor-plotly-"));
try {
    writeFileSync(join(work, "package.json"), "{}");
    execFileSync("npm", ["install", "--ignore-scripts", "--save-exact", `plotly.js@${PLOTLY}`, `esbuild@${ESBUILD}`], { cwd: work, stdio: "inherit" });
    const { code, parts } = await bundle(work);
    const gzip = gzipSync(code, { level: 9 });
    const brotli = brotliCompressSync(code, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: code.length } });
    const write = (name, body) => writeFileSync(join(target, name), body);
    write("plotly.min.js", code);
    write("plotly.min.js.gz", gzip);
    write("plotly.min.js.br", brotli);
    write("plotly.css", styleRules(work));
    write("LICENSES.txt", licences(work, parts));
    write("README.md", readme(code, gzip, brotli));
    copyFileSync(join(work, "node_modules/plotly.js/LICENSE"), join(target, "LICENSE"));
    console.log(`plotly.js ${PLOTLY}: ${code.length} bytes, gzip ${gzip.length}, brotli ${brotli.length}, ${parts.length} packages`);
} finally {
    rmSync(work, { recursive: true, force: true });
}
