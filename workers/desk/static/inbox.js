// The inbox with the keyboard: j and k move, Enter opens, c takes, x chooses, / searches. Works without: all are links and buttons.

const list = () => document.querySelector('[data-tasks]');
const rows = () => [...(list()?.querySelectorAll('tr[data-task]') ?? [])];
let chosen = new Set();
let current = null;

function go(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.dataset.task === current);
  const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step))];
  current = next.dataset.task;
  next.querySelector('.what a').focus();
  next.scrollIntoView({ block: 'nearest' });
}

const here = () => rows().find((row) => row.dataset.task === current) ?? document.activeElement?.closest?.('tr[data-task]');

const KEYS = {
  j: () => go(1),
  k: () => go(-1),
  c: () => here()?.querySelector('.with button')?.click(),
  x: () => here()?.querySelector('.pick input')?.click(),
  '/': () => document.querySelector('[data-search]')?.select(),
};

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input:not([type=checkbox]), select, textarea')) return;
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

// What was chosen stays chosen when the list is fetched again; what is no longer there is forgotten.
function show() {
  const boxes = rows().map((row) => row.querySelector('.pick input'));
  chosen = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
  const bar = list()?.querySelector('[data-chosen]');
  if (!bar) return;
  bar.hidden = chosen.size === 0;
  bar.querySelector('[data-count]').textContent = String(chosen.size);
  const all = list().querySelector('[data-all]');
  all.checked = boxes.length > 0 && chosen.size === boxes.length;
  all.indeterminate = chosen.size > 0 && !all.checked;
}

document.addEventListener('change', (event) => {
  if (event.target.matches?.('[data-all]')) {
    for (const row of rows()) row.querySelector('.pick input').checked = event.target.checked;
  }
  if (event.target.closest?.('[data-tasks]')) show();
});

document.addEventListener('focusin', (event) => {
  const row = event.target.closest?.('tr[data-task]');
  if (row) current = row.dataset.task;
});

// Where the keyboard was, it is afterwards: in the same row, at the box or at the name.
let focused = null;
document.addEventListener('htmx:beforeSwap', () => {
  const active = document.activeElement;
  focused = list()?.contains(active) ? (active.closest('.pick') ? '.pick input' : '.what a') : null;
});
document.addEventListener('htmx:afterSwap', () => {
  for (const row of rows()) row.querySelector('.pick input').checked = chosen.has(row.dataset.task);
  show();
  if (focused) here()?.querySelector(focused)?.focus();
});

show();
