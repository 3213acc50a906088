// Makes of the compiled pixel the files a visitor downloads, and their compressed forms.
//
//   node pixel/build/pack.mjs <folder with wasm-bindgen's output>
//
// Writes pixel/dist: p.js and p/<hash>.wasm, which are the normal path; p/<hash>.js, the same rules as JavaScript for
// pages that refuse wasm; another p/<hash>.js for what few pages need; each also .br and .gz; and manifest.json.
// Fails when a file is heavier than its budget. Never downloads anything.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import binaryen from 'binaryen';
import { build } from 'esbuild';
import { minify } from 'terser';

// Bytes as brotli: of everything on the normal path, of the rules as JavaScript, of what few pages need.
const BYTES_MAX = { normal: 6000, js: 6000, more: 2000 };

const pixel = join(dirname(fileURLToPath(import.meta.url)), '..');
const bound = resolve(process.argv[2]);

const FEATURES = [
  '--enable-bulk-memory',
  '--enable-mutable-globals',
  '--enable-nontrapping-float-to-int',
  '--enable-sign-ext',
];

/** Runs a tool of the binaryen package in place of a system-wide one. */
function tool(name, from, to, ...flags) {
  const program = join(pixel, 'node_modules/binaryen/bin', name);
  execFileSync(process.execPath, [program, ...FEATURES, ...flags, from, '-o', to]);
  return readFileSync(to);
}

/** The module, small. */
function optimised(from, to) {
  const strip = ['--strip-debug', '--strip-producers', '--strip-target-features'];
  // Nothing lies below the stack, and what would trap has no rescue anyway.
  const free = ['--low-memory-unused', '--traps-never-happen'];
  return tool('wasm-opt', from, to, ...strip, ...free, '--flatten', '--rereloop', '-Oz', '-Oz', '--converge', '--one-caller-inline-max-function-size=20');
}

/** The same rules as a JavaScript module with one function: from the imports to the exports. */
async function asJavaScript(from, to) {
  let text = tool('wasm2js', from, to, '-Oz').toString();
  const change = (from, to) => {
    const changed = text.replace(from, to);
    if (changed === text) throw new Error(`wasm2js no longer writes ${from}: look at what it writes now`);
    text = changed;
  };
  change(/^import \* as .*$/m, '');
  change(/var retasmFunc = [^]*$/, 'export const start = asmFunc;\n');
  return small({ stdin: { contents: text }, format: 'esm' });
}

/** The script small: esbuild puts the modules into one, terser knows more ways to say the same in fewer bytes. */
async function small(options) {
  const [{ text }] = (await build({ ...BUNDLED, ...options })).outputFiles;
  const compress = { ecma: 2020, passes: 3, unsafe_arrows: true };
  const { code } = await minify(text, { module: options.format === 'esm', compress, format: { ecma: 2020 } });
  return Buffer.from(code);
}

const BUNDLED = {
  bundle: true,
  write: false,
  target: 'es2020',
  legalComments: 'none',
  logLevel: 'error',
};

/**
 * wasm-bindgen's glue without what only other callers of it need: nothing is thrown out of the module, what is thrown
 * into it is dropped, views of the memory are made when used. In place of the heap of JavaScript objects stand the
 * three that `pixel/src/page.rs` knows by their places, and in place of the loading stands `use`.
 */
function glue() {
  let text = readFileSync(join(bound, 'pixel.js'), 'utf8');
  const change = (from, to) => {
    const changed = text.replace(from, to);
    if (changed === text) throw new Error(`wasm-bindgen's glue no longer has ${from}: look at what it writes now`);
    text = changed;
  };
  const body = (name, to) => change(new RegExp(`(function ${name}\\([^)]*\\) \\{)[^]*?\\n\\}\\n`), `$1 ${to} }\n`);
  // The loader calls the exports themselves.
  change(/(\/\*\*[^]*?\*\/\n)?export function room[^]*?(?=function __wbg_get_imports)/, '');
  change(/__wbg___wbindgen_throw_\w+: function[^]*?\},\n/, '');
  change(/__wbindgen_object_drop_ref: function[^]*?\},\n/, '');
  change(/"\.\/pixel_bg\.js": import0/, '".": import0');
  change(/function addHeapObject[^]*?\n\}\n/, '');
  change(/function dropObject[^]*?\n\}\n/, '');
  change(/function takeObject[^]*?\n\}\n/, '');
  change(/let heap = [^]*?heap\.length;\n/, 'let heap;\n');
  change(/function handleError[^]*?\n\}\n/, 'const caught = (f) => (...all) => { try { f(...all); } catch {} };\n');
  change(/function\(\) \{ return handleError\(function \(([^)]*)\) (\{[^}]*\}), arguments\); \}/g, 'caught(($1) => $2)');
  change(/__proto__: null,/g, '');
  for (const name of ['setItem', 'removeItem', 'set_cookie'])
    change(new RegExp(`__wbg_${name}_\\w+:`), `${SHORT[name]}:`);
  body('getStringFromWasm0', `return new TextDecoder().decode(new Uint8Array(wasm.${SHORT.memory}.buffer, ptr, len));`);
  change(/let cachedUint8ArrayMemory0[^]*?(?=function getObject)/, '');
  change(/function getObject[^]*?\n/, '');
  change(/getObject\((\w+)\)/g, 'heap[$1]');
  change(/let cachedTextDecoder[^]*$/, 'let wasm;\nexport const use = (exports, objects) => { wasm = exports; heap = objects; };\n' +
    `export const run = (bytes) => getStringFromWasm0(${told}, wasm.${SHORT.run}(bytes));\n` +
    `export const room = () => new Uint8Array(wasm.${SHORT.memory}.buffer, ${room}, 65536);\n`);
  return `${withoutHashes(text)}export { __wbg_get_imports as imports };\n`;
}

const withoutHashes = (text) => text.replace(/__wbg_(\w+?)_[0-9a-f]{16}\b/g, '$1');

/** Takes out of the module the exports that the loader does not use, so that what they lead to can go. */
function withoutUnused(from, to) {
  const bytes = readFileSync(from);
  // Messages of panics, which nobody reads, and the places they would name: the code that used them goes below.
  const dead = /index out of bounds: the len is | but the index is |capacity overflow|closure invoked recursively or after being dropped|\/?[\w./+-]+\/src\/[\w/]+\.rs/g;
  const blank = bytes.toString('latin1').replace(dead, (text) => '\0'.repeat(text.length));
  const module = binaryen.readBinary(Buffer.from(blank, 'latin1'));
  for (let at = module.getNumExports() - 1; at >= 0; at -= 1) {
    const { name } = binaryen.getExportInfo(module.getExportByIndex(at));
    if (!['memory', 'room', 'told', 'run'].includes(name)) module.removeExport(name);
  }
  // The hashes that keep the names of many crates' imports apart do not compress; here there are but a few names.
  const text = withoutHashes(module.emitText()).replaceAll('"./pixel_bg.js"', '"."');
  writeFileSync(to, binaryen.parseText(text).emitBinary());
}

/**
 * Takes out of an optimised module the data segments that no constant of its code points into, and the function that
 * says where a call's text goes; gives imports and exports names of one letter. Returns
 * that place, and the one of the answer.
 */
async function withShortNames(from, to) {
  const bytes = readFileSync(from);
  const nothing = () => {};
  const imported = WebAssembly.Module.imports(new WebAssembly.Module(bytes));
  const all = Object.fromEntries(imported.map(({ name }) => [name, nothing]));
  const { instance } = await WebAssembly.instantiate(bytes, { '.': all });
  const module = binaryen.readBinary(bytes);
  module.removeExport('room');
  module.removeExport('told');
  let text = module.emitText();
  for (const [name, short] of Object.entries(SHORT)) text = text.replaceAll(`"${name}"`, `"${short}"`);
  const code = text.replace(/^ \(data .*$/gm, '');
  const constants = [...code.matchAll(/i32\.const (\d+)/g)].map((found) => Number(found[1]));
  const live = text.replace(/^ \(data (\$\w+) \(i32\.const (\d+)\) "(.*)"\)$/gm, (segment, name, start, content) => {
    const bytes = content.replace(/\\([0-9a-f]{2}|.)/g, 'x').length;
    return constants.some((at) => at >= start && at < +start + bytes) ? segment : '';
  });
  writeFileSync(to, binaryen.parseText(live).emitBinary());
  return [instance.exports.room(), instance.exports.told()];
}

/** What imports and exports are called where they meet. */
const SHORT = { memory: 'm', run: 'r', setItem: 's', removeItem: 'd', set_cookie: 'c' };

/** wasm-bindgen's glue and the loader as one classic script. */
async function bundle(define) {
  return small({
    entryPoints: [join(pixel, 'loader/loader.js')],
    format: 'iife',
    define,
    plugins: [
      {
        name: 'pixel',
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^pixel$/ }, () => ({ path: join(bound, 'pixel.js') }));
          onLoad({ filter: /pixel\.js$/ }, () => ({ contents: glue() }));
        },
      },
    ],
  });
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

const hashed = (bytes, ending) => `p/${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}.${ending}`;

withoutUnused(join(bound, 'pixel_bg.wasm'), join(bound, 'used.wasm'));
optimised(join(bound, 'used.wasm'), join(bound, 'smaller.wasm'));
const [room, told] = await withShortNames(join(bound, 'smaller.wasm'), join(bound, 'live.wasm'));
const wasm = optimised(join(bound, 'live.wasm'), join(bound, 'small.wasm'));
const js = await asJavaScript(join(bound, 'small.wasm'), join(bound, 'small.js'));
const more = await small({ entryPoints: [join(pixel, 'loader/more.js')], format: 'esm' });
const names = { wasm: hashed(wasm, 'wasm'), js: hashed(js, 'js'), more: hashed(more, 'js') };
const loader = await bundle({
  WASM_FILE: JSON.stringify(names.wasm),
  JS_FILE: JSON.stringify(names.js),
  MORE_FILE: JSON.stringify(names.more),
});

// Built beside and swapped in, so that a server reading the folder never sees half of it.
const dist = join(pixel, 'dist');
const fresh = join(pixel, 'dist.new');
rmSync(fresh, { recursive: true, force: true });
mkdirSync(join(fresh, 'p'), { recursive: true });
const manifest = { ...names, brotli_bytes: 0, files: {} };
for (const [name, bytes] of Object.entries({ 'p.js': loader, [names.wasm]: wasm, [names.js]: js, [names.more]: more })) {
  const forms = { [name]: bytes, [`${name}.br`]: brotli(bytes), [`${name}.gz`]: gzipSync(bytes, { level: 9 }) };
  for (const [file, content] of Object.entries(forms)) writeFileSync(join(fresh, file), content);
  const [raw_bytes, brotli_bytes, gzip_bytes] = Object.values(forms).map((content) => content.length);
  manifest.files[name] = { raw_bytes, gzip_bytes, brotli_bytes };
}
const { files } = manifest;
manifest.brotli_bytes = files['p.js'].brotli_bytes + files[names.wasm].brotli_bytes;
manifest.brotli_bytes_max = BYTES_MAX.normal;
writeFileSync(join(fresh, 'manifest.json'), JSON.stringify(manifest, null, 2) + '\n');

const weights = { normal: manifest.brotli_bytes, js: files[names.js].brotli_bytes, more: files[names.more].brotli_bytes };
for (const [path, bytes] of Object.entries(weights)) {
  if (bytes <= BYTES_MAX[path]) continue;
  console.error(`the pixel's ${path} path weighs ${bytes} bytes (brotli); its budget is ${BYTES_MAX[path]}`);
  console.error(JSON.stringify(files));
  process.exitCode = 1;
}
if (!process.exitCode) {
  rmSync(dist, { recursive: true, force: true });
  renameSync(fresh, dist);
}
