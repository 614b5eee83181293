// Draws every process of bpmn/ through bpmn-js in a headless Chromium: docs/processes/<process-id>.svg and .png
// usage: node tools/render.mjs [models folder] [output folder]   (CHROMIUM = path of the browser)
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const tools = dirname(fileURLToPath(import.meta.url));
const models = resolve(process.argv[2] ?? join(tools, '..', 'bpmn'));
const output = resolve(process.argv[3] ?? join(tools, '..', 'docs', 'processes'));
const SCALE = Number(process.env.SCALE ?? 1.5);
const MARGIN = 20;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
});
try {
  await mkdir(output, { recursive: true });
  for (const folder of (await readdir(models, { withFileTypes: true })).filter((entry) => entry.isDirectory())) {
    for (const file of (await readdir(join(models, folder.name))).filter((name) => name.endsWith('.bpmn'))) {
      const name = file.replace(/\.bpmn$/, '');
      await draw(await readFile(join(models, folder.name, file), 'utf8'), name);
      console.log(`${name}.svg ${name}.png`);
    }
  }
} finally {
  await browser.close();
}

async function draw(xml, name) {
  const page = await browser.newPage({ deviceScaleFactor: SCALE });
  await page.setContent('<!doctype html><div id="canvas" style="width:800px;height:600px"></div>');
  await page.addScriptTag({ path: join(tools, 'node_modules/bpmn-js/dist/bpmn-viewer.production.min.js') });
  const { svg, warnings } = await page.evaluate(async (source) => {
    const viewer = new window.BpmnJS({ container: '#canvas' });
    const imported = await viewer.importXML(source);
    const saved = await viewer.saveSVG();
    return { svg: saved.svg, warnings: imported.warnings.map((warning) => warning.message) };
  }, xml);
  if (warnings.length) throw new Error(`${name}: ${warnings.join('; ')}`);
  await writeFile(join(output, `${name}.svg`), svg);
  await page.setContent(
    `<!doctype html><body style="margin:0;background:white"><div id="sheet" style="display:inline-block;padding:${MARGIN}px">${svg}</div>`,
  );
  await page.locator('#sheet').screenshot({ path: join(output, `${name}.png`) });
  await page.close();
}
