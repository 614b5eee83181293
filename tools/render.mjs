// Draws the processes of bpmn/ through bpmn-js in a headless Chromium: docs/processes/<process-id>.svg and .png. A picture holds the hash
// of its model; one that is current is left alone.
// usage: node tools/render.mjs [models folder] [output folder]   (CHROMIUM = path of the browser, ALL=1 draws every one)
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const tools = dirname(fileURLToPath(import.meta.url));
const models = resolve(process.argv[2] ?? join(tools, '..', 'bpmn'));
const output = resolve(process.argv[3] ?? join(tools, '..', 'docs', 'processes'));
const SCALE = Number(process.env.SCALE ?? 1.5);
const MARGIN = 20;
const WIDEST = 2400; // a wider diagram is also drawn in rows, cut between its phases (BPMN groups), or where nothing is but flows

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
});
try {
  await mkdir(output, { recursive: true });
  for (const folder of (await readdir(models, { withFileTypes: true })).filter((entry) => entry.isDirectory())) {
    for (const file of (await readdir(join(models, folder.name))).filter((name) => name.endsWith('.bpmn'))) {
      const name = file.replace(/\.bpmn$/, '');
      const content = await readFile(join(models, folder.name, file));
      const mark = `<!-- model sha256:${createHash('sha256').update(content).digest('hex')} -->`;
      const drawn = await readFile(join(output, `${name}.svg`), 'utf8').catch(() => '');
      if (drawn.includes(mark) && !process.env.ALL) continue;
      await draw(content.toString('utf8'), name, mark);
      console.log(`${name}.svg ${name}.png`);
    }
  }
} finally {
  await browser.close();
}

async function draw(xml, name, mark) {
  const page = await browser.newPage({ deviceScaleFactor: SCALE });
  await page.setContent('<!doctype html><div id="canvas" style="width:800px;height:600px"></div>');
  await page.addScriptTag({ path: join(tools, 'node_modules/bpmn-js/dist/bpmn-viewer.production.min.js') });
  const { svg, warnings, phases, drawn } = await page.evaluate(async (source) => {
    const viewer = new window.BpmnJS({ container: '#canvas' });
    const imported = await viewer.importXML(source);
    const saved = await viewer.saveSVG();
    const shapes = viewer.get('elementRegistry').filter((element) => element.width && element.parent === viewer.get('canvas').getRootElement());
    const groups = shapes.filter((element) => element.type === 'bpmn:Group' && !element.labelTarget);
    const spans = (groups.length > 1 ? groups : shapes).map(({ x, width }) => ({ from: x, to: x + width })).sort((a, b) => a.from - b.from);
    const merged = [];
    for (const span of spans) {
      const last = merged.at(-1);
      if (last && span.from < last.to) last.to = Math.max(last.to, span.to);
      else merged.push({ ...span });
    }
    const points = viewer.get('elementRegistry').filter((element) => element.waypoints).flatMap((element) => element.waypoints.slice(1).map((to, index) => [element.waypoints[index], to]));
    const drawn = viewer.get('elementRegistry').filter((element) => element.width && element.parent).map(({ x, y, width, height }) => ({ left: x, right: x + width, top: y, bottom: y + height }));
    drawn.push(...points.map(([a, b]) => ({ left: Math.min(a.x, b.x), right: Math.max(a.x, b.x), top: Math.min(a.y, b.y), bottom: Math.max(a.y, b.y) })));
    return {
      drawn,
      svg: saved.svg,
      warnings: imported.warnings.map((warning) => warning.message),
      phases: merged,
    };
  }, xml);
  if (warnings.length) throw new Error(`${name}: ${warnings.join('; ')}`);
  await writeFile(join(output, `${name}.svg`), svg.replace(/<\/svg>\s*$/, `${mark}</svg>\n`));
  await shoot(page, svg, `${name}.png`);
  for (const [index, row] of rowsOf(svg, phases, drawn).entries()) await shoot(page, row, `${name}-${index + 1}.png`);
  await page.close();
}

async function shoot(page, svg, file) {
  await page.setContent(
    `<!doctype html><body style="margin:0;background:white"><div id="sheet" style="display:inline-block;padding:${MARGIN}px">${svg}</div>`,
  );
  await page.locator('#sheet').screenshot({ path: join(output, file) });
}

function rowsOf(svg, phases, drawn) {
  const [, x, , width] = svg.match(/viewBox="(\S+) (\S+) (\S+) (\S+)"/).map(Number);
  if (width <= WIDEST || phases.length < 2) return [];
  const count = Math.ceil(width / WIDEST);
  const cuts = [x];
  for (let row = 1; row < count; row += 1) {
    const ideal = x + (width * row) / count;
    const gaps = phases.slice(1).map((phase, index) => (phases[index].to + phase.from) / 2);
    cuts.push(gaps.reduce((best, gap) => (Math.abs(gap - ideal) < Math.abs(best - ideal) ? gap : best)));
  }
  cuts.push(x + width);
  if (new Set(cuts).size < cuts.length) cuts.splice(0, cuts.length, ...new Set(cuts));
  return cuts.slice(1).map((to, index) => {
    const from = cuts[index];
    const here = drawn.filter((box) => box.right > from && box.left < to);
    const top = Math.min(...here.map((box) => box.top)) - 10;
    const high = Math.max(...here.map((box) => box.bottom)) + 10 - top;
    return svg.replace(/width="\S+" height="\S+" viewBox="[^"]*"/, `width="${to - from}" height="${high}" viewBox="${from} ${top} ${to - from} ${high}"`);
  });
}
