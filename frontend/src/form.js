// Shows a Camunda form in every <div data-form …> and sends what is answered; docs/frontend.md has the contract.

import { Form } from '@bpmn-io/form-js-viewer';
import flatpickr from 'flatpickr';
import { Mandarin } from 'flatpickr/dist/esm/l10n/zh.js';
import { Draft } from './drafts.js';
import { ownFields } from './fields.js';
import { attemptKey, forgetAttempt, send } from './sending.js';
import { watchWording } from './wording.js';
import { said, translate } from './words.js';

flatpickr.localize({ ...Mandarin, firstDayOfWeek: 1 });

const CLOSED = new Set(['sending', 'sent', 'over']);

class FormPage {
  constructor(element) {
    this._element = element;
    this._source = JSON.parse(element.querySelector('script[type="application/json"]').textContent);
    this._fields = asked(this._source.schema.components ?? []);
    this._key = element.dataset.key ?? element.dataset.action;
    this._draft = new Draft(this._key, element.dataset.draft, (kind) => this._sayDraft(kind));
    this._channel = 'BroadcastChannel' in window ? new BroadcastChannel('duban-forms') : null;
    this._state = 'loading';
  }

  async show() {
    const own = this._draft.read();
    const kept = own ?? this._source.draft ?? null;
    // what is typed is taken on at once: a field that is drawn anew in between would lose it
    this._form = new Form({ container: this._place(), debounce: false, additionalModules: [ownFields, { translate: ['value', translate] }] });
    this._watch();
    await this._fill(this._dataWith(kept));
    this._set('ready', kept && Object.keys(kept).length ? 'restored' : null);
    if (this._state === 'ready' && kept) this._offerDiscarding();
    this._element.dispatchEvent(new CustomEvent('form:ready', { bubbles: true }));
  }

  _place() {
    const place = document.createElement('div');
    place.className = 'form-place';
    this._says = this._element.querySelector('.form-says') ?? Object.assign(document.createElement('p'), { className: 'form-says' });
    this._says.setAttribute('role', 'status');
    this._says.tabIndex = -1;
    this._actions = this._element.querySelector('.form-actions') ?? ownActions();
    this._draftSays = Object.assign(document.createElement('span'), { className: 'form-draft' });
    this._actions.append(this._draftSays);
    this._element.append(place, this._says, this._actions);
    return place;
  }

  /** Shows these answers; what form-js reports meanwhile is not something that a person wrote. */
  async _fill(data) {
    this._written = null;
    await this._form.importSchema(this._source.schema, data);
    await nextFrame();
    const answers = this.answers();
    this._written = JSON.stringify(answers);
    this._look(answers);
  }

  _dataWith(kept) {
    const known = Object.entries(kept ?? {}).filter(([key]) => this._fields.some((field) => field.key === key));
    return { ...this._source.data, ...Object.fromEntries(known) };
  }

  _watch() {
    for (const button of this._actions.querySelectorAll('[data-submit]')) {
      button.addEventListener('click', () => void this.submit());
    }
    this._form.on('submit', ({ errors }) => void this._send(errors)); // Enter in a field submits, too
    this._element.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && !event.isComposing) void this.submit();
    });
    const texts = this._fields.filter(({ isText }) => isText);
    this._look = this._element.dataset.wording
      ? watchWording(this._element.dataset.wording, texts, (id) => this._fieldElement(id))
      : () => {};
    this._form.on('changed', () => this._note());
    this._channel?.addEventListener('message', ({ data }) => data === this._key && this._close('over', 'elsewhere'));
  }

  /** Keeps what was written, when something was. */
  _note() {
    if (this._written === null || CLOSED.has(this._state)) return;
    const answers = this.answers();
    const now = JSON.stringify(answers);
    if (now === this._written) return;
    this._written = now;
    this._draft.keep(answers);
    this._look(answers);
  }

  /** What is answered now, by key: only what the form asks, not what it only shows. */
  answers() {
    const data = this._form._getSubmitData();
    return Object.fromEntries(this._fields.filter(({ key }) => key in data).map(({ key }) => [key, data[key]]));
  }

  /** Checks the form and sends it; does nothing while one is under way, or after it is done. */
  async submit() {
    if (CLOSED.has(this._state)) return;
    document.activeElement?.blur?.(); // a date or text that is still being written becomes its field's answer
    await nextFrame();
    this._form.submit();
  }

  async _send(errors) {
    if (CLOSED.has(this._state)) return;
    if (Object.keys(errors).length) {
      this._set('invalid', 'invalid', { value: Object.keys(errors).length, isAlert: true });
      await this._focusFirstWrong();
      return;
    }
    const content = { variables: this.answers() };
    this._set('sending', 'sending');
    const answer = await send(this._element.dataset.action, content, { headers: { 'Idempotency-Key': attemptKey(this._key, content) } });
    await this._told(answer);
  }

  async _told({ kind, body }) {
    const event = new CustomEvent(`form:${kind === 'ok' ? 'sent' : kind}`, { bubbles: true, cancelable: true, detail: body });
    if (kind === 'ok') {
      this._draft.forget({ onServer: false });
      forgetAttempt(this._key);
      this._channel?.postMessage(this._key);
      this._close('sent', 'sent');
      const next = body.next ?? this._element.dataset.next;
      if (this._element.dispatchEvent(event) && next) location.replace(next);
      return;
    }
    if (kind === 'over') {
      this._close('over', 'over', body.detail);
    } else {
      const wrong = this._mark(body.fields ?? {});
      this._set(kind, kind, { detail: body.detail, isAlert: true });
      if (wrong) await this._focusFirstWrong();
      else this._says.focus();
    }
    this._element.dispatchEvent(event);
  }

  _mark(byKey) {
    const errors = Object.fromEntries(
      this._fields.filter(({ key }) => byKey[key]).map(({ id, key }) => [id, [byKey[key]]]),
    );
    if (Object.keys(errors).length) this._form._setState({ errors });
    return Object.keys(errors).length > 0;
  }

  _close(state, words, detail) {
    this._form.setProperty('readOnly', true);
    this._set(state, words, { detail, isAlert: state === 'over' });
    if (state === 'over') this._says.focus();
  }

  async _focusFirstWrong() {
    await nextFrame();
    this._element.querySelector('.fjs-has-errors :is(input, select, textarea)')?.focus();
  }

  _fieldElement(id) {
    const input = this._element.querySelector(`[id$="-${CSS.escape(id)}"]`);
    return input?.closest('.fjs-form-field') ?? null;
  }

  _set(state, words, { value = '', detail, isAlert = false } = {}) {
    this._state = state;
    this._element.dataset.state = state;
    for (const button of this._actions.querySelectorAll('[data-submit]')) button.disabled = CLOSED.has(state);
    this._says.setAttribute('role', isAlert ? 'alert' : 'status');
    this._says.replaceChildren(...(words ? said(words, value) : []));
    if (detail) this._says.append(Object.assign(document.createElement('span'), { className: 'detail', textContent: detail }));
  }

  _offerDiscarding() {
    const button = Object.assign(document.createElement('button'), { type: 'button', className: 'plain' });
    button.append(...said('discard'));
    button.addEventListener('click', async () => {
      this._draft.forget({ onServer: true });
      await this._fill({ ...this._source.data });
      this._set('ready', null);
    });
    this._says.append(' ', button);
  }

  _sayDraft(kind) {
    const at = new Date().toLocaleTimeString('zh-CN', { hour: '2-digit', minute: '2-digit', hour12: false });
    this._draftSays.replaceChildren(...(kind === 'ok' ? said('draftKept', at) : said('draftHere')));
  }
}

/** The fields that ask something: id, key, whether people write a text there, and what the wording check takes it for. */
function asked(components) {
  return components.flatMap((each) => {
    if (each.components) return asked(each.components);
    if (!each.key || each.readonly || each.disabled) return [];
    const isText = each.type === 'textfield' || each.type === 'textarea';
    return [{ id: each.id, key: each.key, isText, context: each.properties?.wording ?? 'answer' }];
  });
}

function ownActions() {
  const actions = Object.assign(document.createElement('p'), { className: 'form-actions' });
  const button = Object.assign(document.createElement('button'), { type: 'button', className: 'button primary' });
  button.dataset.submit = '';
  button.append(...said('submit'));
  actions.append(button);
  return actions;
}

const nextFrame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));

async function showAll() {
  for (const element of document.querySelectorAll('[data-form]:not([data-state])')) {
    element.dataset.state = 'loading';
    try {
      await new FormPage(element).show();
    } catch (error) {
      element.dataset.state = 'broken';
      element.append(Object.assign(document.createElement('p'), { className: 'form-says' }));
      element.lastChild.append(...said('broken'));
      console.error(error);
    }
  }
}

void showAll();
document.addEventListener('htmx:load', () => void showAll());
