// Speaks to the server: same origin, the token against forged requests, and answers as data instead of exceptions.

const PATIENCE = 30_000;

/** The token of the page; the server compares it with the session's. */
export const csrfToken = () => document.querySelector('meta[name="csrf-token"]')?.content ?? '';

/**
 * Sends JSON; never throws.
 * @returns {Promise<{kind: 'ok'|'expired'|'over'|'refused'|'lost', status: number, body: object}>}
 *   expired: sign in again (401, or an answer that leads elsewhere) · over: 409, done or taken meanwhile · refused: the
 *   server said no, `body.detail` says why · lost: no answer, or the server is unwell; the same may be sent again.
 */
export async function send(url, content, { method = 'POST', headers = {}, keepalive = false } = {}) {
  let answer;
  try {
    answer = await fetch(url, {
      method,
      body: content === undefined ? undefined : JSON.stringify(content),
      headers: { 'Content-Type': 'application/json', Accept: 'application/json', 'X-CSRF-Token': csrfToken(), ...headers },
      credentials: 'same-origin',
      redirect: 'manual',
      keepalive,
      signal: AbortSignal.timeout(PATIENCE),
    });
  } catch {
    return { kind: 'lost', status: 0, body: {} };
  }
  const body = await answer.json().catch(() => ({}));
  return { kind: kindOf(answer), status: answer.status, body };
}

function kindOf(answer) {
  if (answer.ok) return 'ok';
  if (answer.type === 'opaqueredirect' || answer.status === 401) return 'expired';
  if (answer.status === 409) return 'over';
  return answer.status >= 500 || answer.status === 429 ? 'lost' : 'refused';
}

/** A name for one attempt that is the same when the same content is sent again: one decision, however often it is sent. */
export function attemptKey(key, content) {
  const place = `attempt:${key}`;
  const text = JSON.stringify(content);
  const before = JSON.parse(sessionStorage.getItem(place) ?? 'null');
  if (before?.text === text) return before.id;
  const id = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
  sessionStorage.setItem(place, JSON.stringify({ text, id }));
  return id;
}

/** Forgets the attempt: it is done. */
export const forgetAttempt = (key) => sessionStorage.removeItem(`attempt:${key}`);
