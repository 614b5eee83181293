// Has each text looked at while it is written (rule D6), and says below the field what may not be written and what to say
// instead. The server looks again when the form is submitted: this is help, not the check.

import { send } from './sending.js';
import { said } from './words.js';

const PAUSE = 600;

/** @param {(id: string) => Element|null} fieldElement finds the element of a form field */
export function watchWording(url, fields, fieldElement) {
  const seen = new Map(); // field id -> text that was last asked about
  const timers = new Map();
  return (answers) => {
    for (const { id, key, context } of fields) {
      const text = answers[key] ?? '';
      if (seen.get(id) === text) continue;
      if (!seen.has(id) && !text) continue;
      seen.set(id, text);
      clearTimeout(timers.get(id));
      timers.set(id, setTimeout(() => look(id, context, text), PAUSE));
    }
  };

  async function look(id, context, text) {
    const answer = text.trim() ? await send(url, { text, context }) : { kind: 'ok', body: { found: [] } };
    const field = fieldElement(id);
    if (answer.kind !== 'ok' || seen.get(id) !== text || !field) return;
    const box = field.querySelector('.form-wording') ?? field.appendChild(newBox());
    const { found = [] } = answer.body;
    box.hidden = !found.length;
    const isRefused = found.some((each) => each.level === 'refused');
    box.classList.toggle('refused', isRefused);
    box.replaceChildren(...(isRefused ? said('wordsRefused') : []), list(found));
  }
}

function newBox() {
  const box = document.createElement('div');
  box.className = 'form-wording';
  box.setAttribute('role', 'status');
  box.hidden = true;
  return box;
}

function list(found) {
  const items = found.map(({ says }) => Object.assign(document.createElement('li'), { textContent: says }));
  const all = document.createElement('ul');
  all.append(...items);
  return all;
}
