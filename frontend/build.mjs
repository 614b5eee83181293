// Bundles src/ into the folder named: one file per entry with its content's hash in its name, manifest.json (entry -> file),
// and licences.txt of everything inside. usage: node build.mjs <output folder>   (tools/build_frontend.py calls it)
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const output = resolve(process.argv[2] ?? join(here, '..', 'workers', 'desk', 'static', 'built'));
const ENTRIES = ['form.js', 'diagram.js', 'live.js', 'form.css', 'diagram.css'];
const TYPES = { 'image/svg+xml': 'svg', 'font/woff2': 'woff2', 'font/woff': 'woff' };

// The pages' policy has no data: source, so what a style sheet carries as a data: address becomes a file of its own.
const dataAddresses = {
  name: 'data-addresses-become-files',
  setup(build) {
    build.onResolve({ filter: /^data:/ }, ({ path, kind }) => {
      if (kind !== 'url-token') return null;
      const type = path.slice('data:'.length, path.indexOf(',')).split(';')[0];
      return { path: `inlined.${TYPES[type] ?? 'bin'}`, namespace: 'data-address', pluginData: path };
    });
    build.onLoad({ filter: /.*/, namespace: 'data-address' }, ({ pluginData }) => {
      const [head, content] = [pluginData.slice(0, pluginData.indexOf(',')), pluginData.slice(pluginData.indexOf(',') + 1)];
      const bytes = head.endsWith(';base64') ? Buffer.from(content, 'base64') : Buffer.from(decodeURIComponent(content));
      return { contents: bytes, loader: 'file' };
    });
  },
};

await rm(output, { recursive: true, force: true });
await mkdir(output, { recursive: true });
const { metafile } = await esbuild.build({
  absWorkingDir: here,
  entryPoints: ENTRIES.map((name) => join('src', name)),
  outdir: output,
  entryNames: '[name]-[hash]',
  chunkNames: 'shared-[hash]',
  assetNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  target: ['chrome109', 'firefox115', 'safari16'],
  minify: true,
  sourcemap: false,
  legalComments: 'none', // whole licences are in licences.txt
  define: { 'process.env.NODE_ENV': '"production"' },
  loader: { '.svg': 'file', '.woff': 'file', '.woff2': 'file', '.ttf': 'file', '.eot': 'file' },
  plugins: [dataAddresses],
  metafile: true,
  logLevel: 'warning',
});

const manifest = {};
for (const [file, made] of Object.entries(metafile.outputs)) {
  if (made.entryPoint) manifest[basename(made.entryPoint)] = basename(file);
}
const missing = ENTRIES.filter((name) => !manifest[name]);
if (missing.length) throw new Error(`esbuild made no file for ${missing.join(', ')}`);
await writeFile(join(output, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
await writeFile(join(output, 'licences.txt'), await licences(Object.keys(metafile.inputs)));
for (const [file, { bytes }] of Object.entries(metafile.outputs)) console.log(`  ${basename(file)}  ${Math.ceil(bytes / 1024)} KiB`);

async function licences(inputs) {
  const packages = new Set(
    inputs.map((path) => path.match(/^(?:[^:]*:)?(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//)?.[1]).filter(Boolean),
  );
  const parts = [];
  for (const folder of [...packages].sort()) {
    const { name, version, license } = JSON.parse(await readFile(join(here, folder, 'package.json'), 'utf8'));
    const file = (await readdir(join(here, folder))).find((each) => /^licen[cs]e(\.\w+)?$/i.test(each));
    const text = file ? await readFile(join(here, folder, file), 'utf8') : `Licence: ${license}; the package carries no text of it.`;
    parts.push(`${name} ${version}\n${'-'.repeat(name.length + version.length + 1)}\n${text.trim()}\n`);
  }
  if (!parts.length || !existsSync(join(here, 'node_modules'))) throw new Error('no licences found');
  return `What the files of this folder are made of, with its licences.\n\n${parts.join('\n\n')}`;
}
