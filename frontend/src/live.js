// Keeps lists fresh: what the server says happened (server-sent events) becomes an event that htmx attributes wait for.
// docs/frontend.md has the contract.

import htmx from 'htmx.org/dist/htmx.esm.js';
import { csrfToken } from './sending.js';
import { line } from './words.js';

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30_000;

// What the pages' policy forbids is switched off, so that nothing tries; and nothing of a case is kept in the browser.
Object.assign(htmx.config, {
  allowEval: false,
  allowScriptTags: false,
  includeIndicatorStyles: false,
  selfRequestsOnly: true,
  historyEnabled: false,
  historyCacheSize: 0,
  scrollIntoViewOnBoost: false,
});

class Live {
  constructor(element) {
    this._url = element.dataset.live;
    this._names = (element.dataset.liveNames ?? '').split(/\s+/).filter(Boolean);
    this._sign = document.querySelector('[data-live-state]');
    this._wait = FIRST_WAIT;
    this._wasOpen = false;
    this._timer = 0;
    // A hidden page holds no connection: a browser has only a few per server.
    document.addEventListener('visibilitychange', () => (document.hidden ? this._close() : this._open()));
    window.addEventListener('pagehide', () => this._close());
    if (!document.hidden) this._open();
  }

  _open() {
    if (this._source) return;
    const source = new EventSource(this._url);
    this._source = source;
    source.addEventListener('open', () => {
      this._wait = FIRST_WAIT;
      this._say('live');
      if (this._wasOpen) announce('again'); // what happened meanwhile was not heard
      this._wasOpen = true;
    });
    for (const name of this._names) source.addEventListener(name, ({ data }) => announce(name, data));
    source.addEventListener('error', () => {
      this._say('lost');
      if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      this._close();
      this._timer = setTimeout(() => this._open(), this._wait);
      this._wait = Math.min(2 * this._wait, LONGEST_WAIT);
    });
  }

  _close() {
    clearTimeout(this._timer);
    this._source?.close();
    this._source = null;
  }

  _say(state) {
    if (!this._sign) return;
    this._sign.classList.toggle('live', state === 'live');
    this._sign.classList.toggle('lost', state === 'lost');
    this._sign.title = line(state === 'live' ? 'live' : 'unconnected');
  }
}

/** `live:NAME` on <body>, with what the server sent as text. */
function announce(name, data = '') {
  document.body.dispatchEvent(new CustomEvent(`live:${name}`, { detail: { data } }));
}

document.addEventListener('htmx:configRequest', ({ detail }) => {
  detail.headers['X-CSRF-Token'] = csrfToken();
});

// A list is not taken away under somebody who is writing or marking in it; it is fetched again when they have left it.
document.addEventListener('htmx:beforeSwap', (event) => {
  const target = event.detail.target;
  const isLive = event.detail.requestConfig?.triggeringEvent?.type?.startsWith('live:');
  if (!isLive || !isBusy(target)) return;
  event.detail.shouldSwap = false;
  target.addEventListener('focusout', () => setTimeout(() => isBusy(target) || announce('again')), { once: true });
});

function isBusy(target) {
  const active = document.activeElement;
  const selection = document.getSelection();
  const isWriting = target.contains(active) && active.matches('input:not([type=checkbox], [type=radio]), textarea, select');
  return isWriting || (!selection.isCollapsed && target.contains(selection.anchorNode));
}

for (const element of document.querySelectorAll('[data-live]')) new Live(element);
