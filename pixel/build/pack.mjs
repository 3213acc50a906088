// Makes of the compiled pixel the two files a visitor downloads, and their compressed forms.
//
//   node pixel/build/pack.mjs <folder with wasm-bindgen's output>
//
// Writes pixel/dist: p.js, p/<hash>.wasm, each also .br and .gz, and manifest.json. Never downloads anything.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import binaryen from 'binaryen';
import { build } from 'esbuild';

// Every byte on the normal path, as brotli.
const BYTES_MAX = 9000;

const pixel = join(dirname(fileURLToPath(import.meta.url)), '..');
const bound = resolve(process.argv[2]);

/** Runs wasm-opt from the binaryen package in place of a system-wide one. */
function optimise(from, to) {
  execFileSync(process.execPath, [
    join(pixel, 'node_modules/binaryen/bin/wasm-opt'),
    // Nothing lies below the stack, and what would trap has no rescue anyway.
    '--low-memory-unused',
    '--traps-never-happen',
    '--flatten',
    '--rereloop',
    '-Oz',
    '-Oz',
    '--converge',
    '--enable-reference-types',
    '--enable-bulk-memory',
    '--enable-multivalue',
    '--enable-mutable-globals',
    '--enable-nontrapping-float-to-int',
    '--enable-sign-ext',
    '--strip-debug',
    '--strip-producers',
    '--strip-target-features',
    from,
    '-o',
    to,
  ]);
  return readFileSync(to);
}

/**
 * wasm-bindgen's glue without what only other callers of it need: nothing is thrown out of the module, what is thrown
 * into it is `undefined`, views of the memory are made when used.
 */
function glue() {
  let text = readFileSync(join(bound, 'pixel.js'), 'utf8');
  const change = (from, to) => {
    const changed = text.replace(from, to);
    if (changed === text) throw new Error(`wasm-bindgen's glue no longer has ${from}: look at what it writes now`);
    text = changed;
  };
  const body = (name, to) => change(new RegExp(`(function ${name}\\([^)]*\\) \\{)[^]*?\\n\\}\\n`), `$1 ${to} }\n`);
  change(/if \(module !== undefined\) \{[^]*?\n    \}\n/, '({ module } = module);\n');
  change(/if \(!\(module instanceof[^]*?\}\n/, '');
  change(/if \(wasm !== undefined\) return wasm;\n/, '');
  change(/throw new Error\(getStringFromWasm0\([^]*?\)\);/, 'throw Error();');
  // The slots for undefined, null, true and false: no value of these is ever handed over.
  change(/(__wbindgen_init_externref_table: function\(\) \{)[^]*?\n        \}/, '$1 }');
  change(/function addToExternrefTable0[^]*?\n\}\n/, '');
  // 1024 is the slot of `undefined`.
  body('handleError', 'try { return f(...args); } catch { wasm.__wbindgen_exn_store(1024); }');
  body('getUint8ArrayMemory0', 'return new Uint8Array(wasm.memory.buffer);');
  change(/cachedTextDecoder\.decode\(\);\n/, '');
  body('decodeText', 'return cachedTextDecoder.decode(bytes);');
  return withoutHashes(text);
}

const withoutHashes = (text) => text.replace(/__wbg_(\w+?)_[0-9a-f]{16}\b/g, '$1');

/** Takes out of the module the exports that the glue above does not use, so that what they lead to can go. */
function withoutUnused(from, to) {
  const used = glue();
  const module = binaryen.readBinary(readFileSync(from));
  for (let at = module.getNumExports() - 1; at >= 0; at -= 1) {
    const { name } = binaryen.getExportInfo(module.getExportByIndex(at));
    if (name !== 'memory' && !new RegExp(`\\bwasm\\.${name}\\b`).test(used)) module.removeExport(name);
  }
  // The hashes that keep the names of many crates' imports apart do not compress; here there are but a few names.
  writeFileSync(to, binaryen.parseText(withoutHashes(module.emitText())).emitBinary());
}

/** wasm-bindgen's glue and the loader as one classic script. */
async function bundle(wasmFile) {
  const result = await build({
    entryPoints: [join(pixel, 'loader/loader.js')],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    target: 'es2020',
    legalComments: 'none',
    logLevel: 'error',
    define: { WASM_FILE: JSON.stringify(wasmFile) },
    plugins: [
      {
        name: 'pixel',
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^pixel$/ }, () => ({ path: join(bound, 'pixel.js') }));
          onLoad({ filter: /pixel\.js$/ }, () => ({ contents: glue() }));
          // wasm-bindgen's copy of effects.js and the loader's are one module.
          onResolve({ filter: /effects\.js$/ }, () => ({ path: join(pixel, 'loader/effects.js') }));
        },
      },
    ],
  });
  return Buffer.from(result.outputFiles[0].contents);
}

function brotli(bytes) {
  return brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_LGWIN]: 22,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
}

withoutUnused(join(bound, 'pixel_bg.wasm'), join(bound, 'used.wasm'));
const wasm = optimise(join(bound, 'used.wasm'), join(bound, 'small.wasm'));
const hash = createHash('sha256').update(wasm).digest('hex').slice(0, 16);
const files = { 'p.js': await bundle(`p/${hash}.wasm`), [`p/${hash}.wasm`]: wasm };

// Built beside and swapped in, so that a server reading the folder never sees half of it.
const dist = join(pixel, 'dist');
const fresh = join(pixel, 'dist.new');
rmSync(fresh, { recursive: true, force: true });
mkdirSync(join(fresh, 'p'), { recursive: true });
const manifest = { wasm: `p/${hash}.wasm`, hash, brotli_bytes: 0, files: {} };
for (const [name, bytes] of Object.entries(files)) {
  const forms = { [name]: bytes, [`${name}.br`]: brotli(bytes), [`${name}.gz`]: gzipSync(bytes, { level: 9 }) };
  for (const [file, content] of Object.entries(forms)) writeFileSync(join(fresh, file), content);
  const [raw_bytes, brotli_bytes, gzip_bytes] = Object.values(forms).map((content) => content.length);
  manifest.files[name] = { raw_bytes, gzip_bytes, brotli_bytes };
  manifest.brotli_bytes += brotli_bytes;
}
writeFileSync(join(fresh, 'manifest.json'), JSON.stringify(manifest, null, 2) + '\n');

if (manifest.brotli_bytes > BYTES_MAX) {
  console.error(`the pixel weighs ${manifest.brotli_bytes} bytes (brotli); the limit is ${BYTES_MAX}`);
  console.error(readdirSync(fresh).join(' '), JSON.stringify(manifest.files));
  process.exit(1);
}
rmSync(dist, { recursive: true, force: true });
renameSync(fresh, dist);
