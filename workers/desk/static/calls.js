// Forms that are calls of the API: sent as JSON, once; what is written stays in this window when the connection or the
// session is lost. <form data-call="/api/v1/…" data-key="what and whose" data-next="/where">; register.js builds on the parts.

const PATIENCE = 30_000;
const PAUSE = 600;

const token = () => document.querySelector('meta[name="csrf-token"]')?.content ?? '';

/** Sends; never throws. kind: ok, expired (sign in again), refused (body.detail says why), lost (send again: it counts once). */
export async function call(url, content) {
  let answer;
  try {
    answer = await fetch(url, {
      method: content === undefined ? 'GET' : 'POST',
      body: content === undefined ? undefined : JSON.stringify(content),
      headers: { 'Content-Type': 'application/json', Accept: 'application/json', 'X-CSRF-Token': token() },
      redirect: 'manual',
      signal: AbortSignal.timeout(PATIENCE),
    });
  } catch {
    return { kind: 'lost', status: 0, body: {} };
  }
  return { kind: kindOf(answer), status: answer.status, body: await answer.json().catch(() => ({})) };
}

export function kindOf({ ok, type, status }) {
  if (ok) return 'ok';
  if (type === 'opaqueredirect' || status === 401) return 'expired';
  return status >= 500 || status === 429 ? 'lost' : 'refused';
}

const SAYS = {
  sending: ['正在发送…', 'Sending…'],
  lost: ['没有连上服务器，所写内容都还在。再点一次即可，只算一次。', 'The server did not answer; nothing is lost. Send it again, it counts once.'],
  expired: ['登录已过期，所写内容都还在，登录后可继续。', 'You are signed out; nothing is lost, go on after signing in.'],
  restored: ['已恢复上次没有提交的内容。', 'What you had not sent yet is here again.'],
};

/** Says how it goes, in the form's own place; `detail` is a sentence of the server. */
export function say(form, kind, detail) {
  const place = form.querySelector('[data-says]');
  const [zh, en] = SAYS[kind] ?? [];
  place.className = `form-says ${kind}`;
  place.setAttribute('role', kind === 'lost' || kind === 'expired' || kind === 'refused' ? 'alert' : 'status');
  place.replaceChildren(...(zh ? [zh, ' ', small(en)] : []), ...(detail ? [detail] : []));
  if (kind === 'expired') place.append(' ', signIn());
  return place;
}

export const small = (text) => Object.assign(document.createElement('small'), { lang: 'en', textContent: text });

function signIn() {
  const link = Object.assign(document.createElement('a'), { className: 'button', textContent: '重新登录 ' });
  link.href = `/login?next=${encodeURIComponent(location.pathname)}`;
  link.append(small('Sign in'));
  return link;
}

/** What is written in a form, by name; `a.b` is b of a. Empty fields are left out; files are nobody's business here. */
export function written(form) {
  const found = {};
  for (const field of form.elements) {
    if (!field.name || field.type === 'file') continue;
    const value = valueOf(field);
    if (value !== undefined) put(found, field.name, value, field.type === 'checkbox' && !('boolean' in field.dataset));
  }
  return found;
}

function valueOf(field) {
  if (field.type === 'checkbox') return field.checked ? ('boolean' in field.dataset ? true : field.value) : undefined;
  if (field.type === 'radio') return field.checked ? ({ true: true, false: false }[field.value] ?? field.value) : undefined;
  return field.value.trim() || undefined;
}

function put(into, name, value, isOneOfMany) {
  const [first, ...rest] = name.split('.');
  if (rest.length) put((into[first] ??= {}), rest.join('.'), value, isOneOfMany);
  else if (isOneOfMany) (into[first] ??= []).push(value);
  else into[first] = value;
}

/** Keeps what is written in this window, under a name that says whose it is, until it is sent. */
export class Kept {
  constructor(form) {
    this._form = form;
    this._place = `draft:${form.dataset.key}`;
    form.addEventListener('input', () => this.keep());
    form.addEventListener('change', () => this.keep());
  }

  keep(more = {}) {
    const fields = [...this._form.elements].filter(({ name, type }) => name && type !== 'file' && (type !== 'hidden' || name === 'submission'));
    const values = fields.map(({ name, type, value, checked }) => [name, value, /checkbox|radio/.test(type) ? checked : null]);
    this._more = { ...this._more, ...more };
    try {
      sessionStorage.setItem(this._place, JSON.stringify({ values, more: this._more }));
    } catch {
      // full or switched off: the page itself still has it
    }
  }

  /** Puts back what was kept; what is kept beside the fields, or null when nothing was. */
  restore() {
    let kept;
    try {
      kept = JSON.parse(sessionStorage.getItem(this._place) ?? 'null');
    } catch {
      kept = null;
    }
    if (!kept) return null;
    for (const [name, value, checked] of kept.values) {
      for (const field of this._form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
        if (checked === null) field.value = value;
        else if (field.value === value) field.checked = checked;
      }
    }
    return (this._more = kept.more ?? {});
  }

  forget() {
    sessionStorage.removeItem(this._place);
  }
}

/** Says what is wrong beside each field, and goes to the first; what belongs to no field of the form is returned. */
export function mark(form, problems = {}) {
  for (const old of form.querySelectorAll('.field-wrong')) old.remove();
  for (const field of form.querySelectorAll('[aria-invalid]')) {
    field.removeAttribute('aria-invalid');
    field.removeAttribute('aria-describedby');
  }
  let first = null;
  const left = [];
  for (const [name, sentence] of Object.entries(problems)) {
    const field = form.querySelector(`[name="${CSS.escape(name)}"]`);
    if (!field) {
      left.push(sentence);
      continue;
    }
    const id = `wrong-${name}`;
    const said = Object.assign(document.createElement('span'), { className: 'field-wrong', id, textContent: sentence });
    field.setAttribute('aria-invalid', 'true');
    field.setAttribute('aria-describedby', id);
    (field.closest('label') ?? field.parentElement).append(said);
    field.closest('label')?.querySelector('.words-wrong')?.remove(); // the server says it again
    const folded = field.closest('details');
    if (folded) folded.open = true;
    if (!first || first.compareDocumentPosition(field) & Node.DOCUMENT_POSITION_PRECEDING) first = field;
  }
  first?.focus();
  return left;
}

/** Has texts looked at while they are written (rule D6); the server looks again when they are sent. */
export function watchWording(form) {
  for (const field of form.querySelectorAll('[data-wording]')) {
    let timer = 0;
    field.addEventListener('input', () => {
      clearTimeout(timer);
      timer = setTimeout(() => void look(field), PAUSE);
    });
  }
}

async function look(field) {
  const text = field.value;
  const { kind, body } = text.trim() ? await call('/api/v1/wording', { text, context: field.dataset.wording }) : { kind: 'ok', body: {} };
  if (kind !== 'ok' || field.value !== text) return;
  const label = field.closest('label');
  label.querySelector('.words-wrong')?.remove();
  if (!body.found?.length) return;
  const box = Object.assign(document.createElement('span'), { className: `words-wrong ${body.ok ? '' : 'refused'}` });
  box.setAttribute('role', 'status');
  box.append(...body.found.flatMap(({ says }, at) => (at ? [document.createElement('br'), says] : [says])));
  label.append(box);
}

class CallForm {
  constructor(form) {
    this._form = form;
    this._kept = new Kept(form);
    this._isSending = false;
    if (this._kept.restore()) this._open();
    watchWording(form);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this._send(event.submitter);
    });
    form.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && !event.isComposing) form.requestSubmit();
    });
  }

  _open() {
    say(this._form, 'restored');
    const folded = this._form.closest('details');
    if (folded) folded.open = true;
  }

  async _send(button) {
    if (this._isSending) return;
    this._isSending = true;
    say(this._form, 'sending');
    const answer = await call(button?.dataset.call ?? this._form.dataset.call, written(this._form));
    if (answer.kind === 'ok') {
      this._kept.forget();
      location.assign(this._form.dataset.next);
      return;
    }
    this._isSending = false;
    const detail = mark(this._form, answer.body.fields).join(' ') || answer.body.detail;
    say(this._form, answer.kind, answer.kind === 'refused' ? detail : '');
  }
}

for (const form of document.querySelectorAll('form[data-call]')) new CallForm(form);

window.addEventListener('pageshow', (event) => event.persisted && location.reload());
