// Files of evidence: sent one after the other with a bar that moves; what is too long is told before it is sent.

import { kindOf } from './calls.js';

const BY_TYPE = { image: 'document', text: 'document', application: 'document', audio: 'audio', video: 'video' };

/** What a file most likely is; the server looks at its content. */
export const likelyKind = (file) => BY_TYPE[file.type.split('/')[0]] ?? 'document';

export const sizeOf = (bytes) => (bytes < 1_048_576 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 1_048_576).toFixed(1)} MB`);

/** Why a file cannot be taken, as far as the page can tell; null when it may be. */
export function refusal(file, largest) {
  if (file.size === 0) return '文件为空。 The file is empty.';
  if (file.size > largest) return `文件过大（${sizeOf(file.size)}），最大 ${sizeOf(largest)}。 The file is too long: ${sizeOf(largest)} at most.`;
  return null;
}

/** Sends a file; resolves to {kind, body} as a call of calls.js does. `moved` is told the share that is gone. */
export function upload(url, file, moved) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open('POST', url);
    request.setRequestHeader('X-CSRF-Token', document.querySelector('meta[name="csrf-token"]')?.content ?? '');
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.upload.addEventListener('progress', ({ loaded, total }) => moved(total ? loaded / total : 0));
    request.addEventListener('load', () => resolve({ kind: kindOf({ ok: request.status >= 200 && request.status < 300, status: request.status }), body: parsed(request.responseText) }));
    for (const end of ['error', 'abort', 'timeout']) request.addEventListener(end, () => resolve({ kind: 'lost', body: {} }));
    request.send(file);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** One file as a line of a list: its name, a bar, and what became of it. */
export class Line {
  constructor(list, file) {
    this.file = file;
    this._bar = Object.assign(document.createElement('progress'), { max: 1, value: 0 });
    this._bar.setAttribute('aria-label', `${file.name} 上传进度 upload`);
    this._says = Object.assign(document.createElement('span'), { className: 'says' });
    this._says.setAttribute('role', 'status');
    const name = Object.assign(document.createElement('span'), { className: 'name', textContent: `${file.name} · ${sizeOf(file.size)}` });
    this.element = document.createElement('li');
    this.element.append(name, this._says, this._bar);
    list.append(this.element);
  }

  says(text, kind = '') {
    this.element.className = kind;
    this._says.textContent = text;
  }

  /** Sends it; true when the case has it. */
  async send(url, largest) {
    const why = refusal(this.file, largest);
    if (why) {
      this.says(why, 'refused');
      return false;
    }
    this.says('正在上传… Sending…');
    const { kind, body } = await upload(url, this.file, (share) => (this._bar.value = share));
    if (kind === 'ok') {
      this._bar.value = 1;
      this.says('已登记 Kept', 'kept');
      return true;
    }
    const said = { lost: '没有连上服务器，请再试一次。 No answer; try again.', expired: '登录已过期，请重新登录后再试。 Sign in again, then try again.' }[kind];
    this.says(said ?? body.detail ?? '', 'refused');
    return false;
  }
}

export const address = (number, person, kind, name) =>
  `/api/v1/complaints/${number}/evidence?${new URLSearchParams({ as: person, kind, name: name.slice(0, 200) })}`;

// On the page of a case: choose a kind and files, and they are sent.
for (const form of document.querySelectorAll('form[data-evidence]')) {
  const { number, as, largest } = form.dataset;
  const files = form.querySelector('input[type=file]');
  const kind = form.querySelector('[name=kind]');
  let isSending = false;
  files.addEventListener('change', () => files.files.length && (kind.value = likelyKind(files.files[0])));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (isSending || !files.files.length) return;
    isSending = true;
    const list = form.querySelector('[data-uploads]');
    list.replaceChildren();
    const lines = [...files.files].map((file) => new Line(list, file));
    let all = true;
    for (const line of lines) all = (await line.send(address(number, as, kind.value, line.file.name), Number(largest))) && all;
    isSending = false;
    if (all) location.assign(`/complaints/${number}?said=evidence#evidence`);
  });
}
