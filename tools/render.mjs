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
const WIDEST = 2400; // a wider diagram is also drawn in rows, cut between its phases (BPMN groups)

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
  const { svg, warnings, phases } = await page.evaluate(async (source) => {
    const viewer = new window.BpmnJS({ container: '#canvas' });
    const imported = await viewer.importXML(source);
    const saved = await viewer.saveSVG();
    const groups = viewer.get('elementRegistry').filter((element) => element.type === 'bpmn:Group' && !element.labelTarget);
    return {
      svg: saved.svg,
      warnings: imported.warnings.map((warning) => warning.message),
      phases: groups.map(({ x, width }) => ({ from: x, to: x + width })).sort((a, b) => a.from - b.from),
    };
  }, xml);
  if (warnings.length) throw new Error(`${name}: ${warnings.join('; ')}`);
  await writeFile(join(output, `${name}.svg`), svg);
  await shoot(page, svg, `${name}.png`);
  for (const [index, row] of rowsOf(svg, phases).entries()) await shoot(page, row, `${name}-${index + 1}.png`);
  await page.close();
}

async function shoot(page, svg, file) {
  await page.setContent(
    `<!doctype html><body style="margin:0;background:white"><div id="sheet" style="display:inline-block;padding:${MARGIN}px">${svg}</div>`,
  );
  await page.locator('#sheet').screenshot({ path: join(output, file) });
}

function rowsOf(svg, phases) {
  const [, x, y, width, height] = svg.match(/viewBox="(\S+) (\S+) (\S+) (\S+)"/).map(Number);
  if (width <= WIDEST || phases.length < 2) return [];
  const count = Math.ceil(width / WIDEST);
  const cuts = [x];
  for (let row = 1; row < count; row += 1) {
    const ideal = x + (width * row) / count;
    const gaps = phases.slice(1).map((phase, index) => (phases[index].to + phase.from) / 2);
    cuts.push(gaps.reduce((best, gap) => (Math.abs(gap - ideal) < Math.abs(best - ideal) ? gap : best)));
  }
  cuts.push(x + width);
  return cuts.slice(1).map((to, index) => {
    const from = cuts[index];
    return svg
      .replace(/width="\S+" height="\S+" viewBox="[^"]*"/, `width="${to - from}" height="${height}" viewBox="${from} ${y} ${to - from} ${height}"`);
  });
}
