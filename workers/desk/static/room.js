// The room of an event: parts are fresh by themselves, but nothing is taken away under somebody who is at work in it;
// words are looked at while they are written; the diagram follows.

const PARTS = 'section[id^="event-"]';
let missed = false;

// Somebody is at work in a part: the keyboard is in it, or an action stands open.
const isBusy = (part) => part.contains(document.activeElement) || part.querySelector('details[open]') !== null;

function again() {
  if (!missed) return;
  missed = false;
  document.body.dispatchEvent(new CustomEvent('live:again'));
}

document.addEventListener('htmx:oobBeforeSwap', (event) => {
  if (!isBusy(event.detail.target)) return;
  event.detail.shouldSwap = false;
  missed = true;
});
document.addEventListener('htmx:beforeSwap', (event) => {
  if (event.detail.xhr.status === 200) return;
  event.detail.shouldSwap = false; // signed out, or the server is away: what is shown stays
});

document.addEventListener('focusout', (event) => {
  const part = event.target.closest?.(PARTS);
  if (part) setTimeout(() => isBusy(part) || again());
});
document.addEventListener('toggle', (event) => event.target.open || setTimeout(again), true);

document.addEventListener('htmx:afterSettle', () => {
  const marks = document.querySelector('#event-marks')?.dataset.marks;
  if (!marks) return;
  const diagram = document.querySelector('[data-diagram]');
  diagram?.dispatchEvent(new CustomEvent('diagram:mark', { detail: JSON.parse(marks) }));
});

// Words that are not written (D6): said below the field, half a second after the last key; the server looks again.
const waiting = new WeakMap();

async function look(field) {
  const token = document.querySelector('meta[name="csrf-token"]')?.content ?? '';
  const answer = await fetch('/api/v1/wording', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': token },
    body: JSON.stringify({ text: field.value, context: field.dataset.wording }),
  });
  if (answer.ok) say(field, (await answer.json()).found);
}

function say(field, found) {
  let note = field.parentElement.querySelector('.words-found');
  if (!note) {
    note = Object.assign(document.createElement('span'), { className: 'words-found' });
    note.setAttribute('role', 'status');
    field.after(note);
  }
  note.textContent = found.map((each) => each.says).join(' ');
  note.classList.toggle('advised', found.every((each) => each.level === 'advised'));
}

document.addEventListener('input', (event) => {
  const field = event.target.closest?.('textarea[data-wording]');
  if (!field) return;
  clearTimeout(waiting.get(field));
  waiting.set(field, setTimeout(() => look(field).catch(() => {}), 500));
});
