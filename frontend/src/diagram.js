// Shows a BPMN diagram in every <div data-diagram="address of the XML" …>, with the places where a case is, was, or is stuck,
// or with heat; docs/frontend.md has the contract.

import NavigatedViewer from 'bpmn-js/lib/NavigatedViewer';
import { line, said } from './words.js';

const STEP = 80; // pixels that an arrow key moves
const ZOOM = 1.25;
const READABLE = 0.45; // below this scale nobody reads a label: show the place where the case is instead of the whole
const PLACE_SCALE = 0.85;
const STATES = ['incident', 'active', 'done'];
const LEVELS = 5;
const COLOURS = { defaultFillColor: 'var(--sheet)', defaultStrokeColor: 'var(--stroke)', defaultLabelColor: 'var(--ink)' };

class Diagram {
  constructor(element) {
    this._element = element;
    this._marked = [];
    const source = element.querySelector('script[type="application/json"]');
    this._marks = source ? JSON.parse(source.textContent) : {};
  }

  async show() {
    this._build();
    this._viewer = new NavigatedViewer({ container: this._canvas, bpmnRenderer: COLOURS, zoomScroll: { enabled: false } });
    const answer = await fetch(this._element.dataset.diagram, { credentials: 'same-origin' });
    if (!answer.ok) throw new Error(`${this._element.dataset.diagram} answered ${answer.status}`);
    await this._viewer.importXML(await answer.text());
    this._svg = this._canvas.querySelector('svg');
    this._svg.setAttribute('role', 'img');
    this._svg.setAttribute('aria-label', this._element.dataset.label ?? line('diagram'));
    this._watch();
    this.mark(this._marks);
    this.begin();
    this._element.dataset.state = 'ready';
    this._element.dispatchEvent(new CustomEvent('diagram:ready', { bubbles: true }));
  }

  _build() {
    this._canvas = piece('div', 'diagram-canvas');
    this._canvas.setAttribute('role', 'group');
    this._canvas.setAttribute('aria-label', line('diagram'));
    this._tools = piece('p', 'diagram-tools');
    for (const [words, sign, act] of [
      ['zoomIn', '+', () => this.zoom(ZOOM)],
      ['zoomOut', '−', () => this.zoom(1 / ZOOM)],
      ['fit', null, () => this.fit()],
      ['here', null, () => this.goTo(this._here())],
    ]) {
      const button = piece('button', 'plain');
      button.type = 'button';
      button.dataset.tool = words;
      button.title = line(words);
      if (sign) button.setAttribute('aria-label', line(words));
      button.append(...(sign ? [sign] : said(words)));
      button.addEventListener('click', act);
      this._tools.append(button);
    }
    const hint = piece('small', 'diagram-keys');
    hint.textContent = line('keys');
    this._tools.append(hint);
    this._places = piece('ul', 'diagram-places');
    this._element.append(this._tools, this._canvas, this._places);
  }

  /** Shows these marks and no others: {active, done, incident: [ids], flows: [ids], heat: {id: {level, says}}, links: {id: url}}. */
  mark(marks) {
    const [canvas, overlays] = [this._viewer.get('canvas'), this._viewer.get('overlays')];
    for (const [id, name] of this._marked) canvas.removeMarker(id, name);
    overlays.remove({ type: 'note' });
    this._marked = [];
    this._marks = marks;
    for (const state of STATES) for (const id of this._known(marks[state])) this._add(id, `is-${state}`);
    for (const id of this._known(marks.flows)) this._add(id, 'is-taken');
    for (const id of this._known(Object.keys(marks.links ?? {}))) this._add(id, 'is-link');
    for (const id of this._known(Object.keys(marks.heat ?? {}))) this._heat(id, marks.heat[id]);
    this._list();
    this._tools.querySelector('[data-tool="here"]').hidden = this._here() === null;
  }

  _add(id, name) {
    this._viewer.get('canvas').addMarker(id, name);
    this._marked.push([id, name]);
  }

  _heat(id, { level, says }) {
    const warmth = Math.min(LEVELS, Math.max(1, Math.round(level)));
    this._add(id, `heat-${warmth}`);
    if (!says) return;
    const note = piece('span', `diagram-note heat-${warmth}`);
    note.textContent = says;
    this._viewer.get('overlays').add(id, 'note', { position: { top: -19, left: 0 }, html: note });
  }

  _known(ids = []) {
    const registry = this._viewer.get('elementRegistry');
    return ids.filter((id) => registry.get(id));
  }

  _list() {
    const entries = STATES.filter((state) => state !== 'done').flatMap((state) => this._known(this._marks[state]).map((id) => [id, state]));
    const heat = this._known(Object.keys(this._marks.heat ?? {})).sort((a, b) => this._marks.heat[b].level - this._marks.heat[a].level);
    this._places.replaceChildren(
      ...entries.map(([id, state]) => this._entry(id, `is-${state}`, said(state))),
      ...heat.map((id) => this._entry(id, `heat-${this._marks.heat[id].level}`, [this._marks.heat[id].says ?? ''])),
    );
    this._places.hidden = !this._places.children.length;
  }

  _entry(id, name, words) {
    const item = piece('li', name);
    const button = piece('button', 'plain');
    button.type = 'button';
    button.textContent = this._viewer.get('elementRegistry').get(id).businessObject.name || id;
    button.addEventListener('click', () => this.goTo(id));
    const state = piece('span', 'state');
    state.append(...words);
    item.append(button, state);
    const link = this._marks.links?.[id];
    if (link) item.append(' ', Object.assign(document.createElement('a'), { href: link, textContent: '→', ariaLabel: button.textContent }));
    return item;
  }

  _here() {
    return this._known([...(this._marks.incident ?? []), ...(this._marks.active ?? [])])[0] ?? null;
  }

  /** The whole diagram, or the place where the case is when the whole would be too small to read. */
  begin() {
    this.fit();
    const here = this._here();
    if (here !== null && this._viewer.get('canvas').zoom() < READABLE) this.goTo(here);
  }

  fit() {
    this._viewer.get('canvas').zoom('fit-viewport', 'auto');
  }

  zoom(by) {
    const canvas = this._viewer.get('canvas');
    canvas.zoom(Math.min(4, Math.max(0.1, canvas.zoom() * by)));
  }

  goTo(id) {
    const canvas = this._viewer.get('canvas');
    const { x, y, width = 0, height = 0 } = this._viewer.get('elementRegistry').get(id);
    const { outer } = canvas.viewbox();
    const scale = Math.max(canvas.zoom(), PLACE_SCALE);
    const [w, h] = [outer.width / scale, outer.height / scale];
    canvas.viewbox({ x: x + width / 2 - w / 2, y: y + height / 2 - h / 2, width: w, height: h });
  }

  _watch() {
    const wheel = this._viewer.get('zoomScroll');
    // the wheel belongs to the page until somebody has put the focus into the diagram
    this._canvas.addEventListener('focusin', () => wheel.toggle(true));
    this._canvas.addEventListener('focusout', () => wheel.toggle(false));
    this._canvas.addEventListener('keydown', (event) => this._key(event));
    this._element.addEventListener('diagram:mark', ({ detail }) => this.mark(detail));
    this._viewer.get('eventBus').on('element.click', ({ element }) => this._picked((element.labelTarget ?? element).id));
    new ResizeObserver(() => this._viewer.get('canvas').resized()).observe(this._canvas);
    this._dragByTouch();
  }

  _picked(id) {
    this._element.dispatchEvent(new CustomEvent('diagram:pick', { bubbles: true, detail: { id } }));
    const link = this._marks.links?.[id];
    if (link) location.assign(link);
  }

  _key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const canvas = this._viewer.get('canvas');
    const moves = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] };
    const acts = { '+': () => this.zoom(ZOOM), '=': () => this.zoom(ZOOM), '-': () => this.zoom(1 / ZOOM), 0: () => this.fit() };
    if (moves[event.key]) canvas.scroll({ dx: moves[event.key][0], dy: moves[event.key][1] });
    else if (acts[event.key]) acts[event.key]();
    else return;
    event.preventDefault();
  }

  /** One finger moves the diagram sideways; up and down belongs to the page. */
  _dragByTouch() {
    let last = null;
    const end = () => (last = null);
    this._canvas.addEventListener('pointerdown', (event) => (last = event.pointerType === 'touch' ? event.clientX : null));
    this._canvas.addEventListener('pointermove', (event) => {
      if (last === null) return;
      this._viewer.get('canvas').scroll({ dx: event.clientX - last, dy: 0 });
      last = event.clientX;
    });
    for (const name of ['pointerup', 'pointercancel']) this._canvas.addEventListener(name, end);
  }
}

const piece = (tag, name) => Object.assign(document.createElement(tag), { className: name });

async function showAll() {
  for (const element of document.querySelectorAll('[data-diagram]:not([data-state])')) {
    element.dataset.state = 'loading';
    try {
      await new Diagram(element).show();
    } catch (error) {
      element.dataset.state = 'broken';
      const says = piece('p', 'diagram-says');
      says.append(...said('diagramBroken'));
      element.replaceChildren(says);
      console.error(error);
    }
  }
}

void showAll();
document.addEventListener('htmx:load', () => void showAll());
