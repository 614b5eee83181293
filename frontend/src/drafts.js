// Keeps what was written: at once in this window (sessionStorage), and a moment later on the server where the page names
// an address for it. Nothing outlives the window but the server's own draft.

import { send } from './sending.js';

const PAUSE = 1500;

export class Draft {
  /**
   * @param {string} key names form and person: what one person wrote is not shown to the next one in this window
   * @param {string|undefined} url where the server keeps it (PUT {"variables"}, DELETE)
   * @param {(kind: 'ok'|'lost') => void} tell
   */
  constructor(key, url, tell) {
    this._place = `draft:${key}`;
    this._url = url;
    this._tell = tell;
    this._timer = 0;
    this._latest = null;
    document.addEventListener('visibilitychange', () => document.hidden && this._flush(true));
  }

  /** What was kept in this window, or null. */
  read() {
    try {
      return JSON.parse(sessionStorage.getItem(this._place) ?? 'null');
    } catch {
      return null;
    }
  }

  /** Keeps these answers. */
  keep(answers) {
    try {
      sessionStorage.setItem(this._place, JSON.stringify(answers));
    } catch {
      // the window's store is full or switched off: the server's draft is left
    }
    this._latest = answers;
    if (!this._url) return;
    clearTimeout(this._timer);
    this._timer = setTimeout(() => this._flush(false), PAUSE);
  }

  /** Forgets them here, and on the server unless it did so itself. */
  forget({ onServer }) {
    clearTimeout(this._timer);
    this._latest = null;
    sessionStorage.removeItem(this._place);
    if (onServer && this._url) void send(this._url, undefined, { method: 'DELETE' });
  }

  async _flush(isLeaving) {
    clearTimeout(this._timer);
    if (!this._url || this._latest === null) return;
    const answers = this._latest;
    this._latest = null;
    const { kind } = await send(this._url, { variables: answers }, { method: 'PUT', keepalive: isLeaving });
    if (kind !== 'ok') this._latest ??= answers;
    this._tell(kind === 'ok' ? 'ok' : 'lost');
  }
}
