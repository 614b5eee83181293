// Registering a complaint: duplicates and events while it is written, the fault guide, evidence with it; sent once.

import { call, Kept, mark, say, small, watchWording, written } from './calls.js';
import { address, likelyKind, Line, refusal } from './evidence.js';

const PAUSE = 500;
const form = document.querySelector('[data-register-form]');
const { action, as } = form.dataset;
const field = (name) => form.elements.namedItem(name);
const element = (tag, more = {}, ...inside) => {
  const made = Object.assign(document.createElement(tag), more);
  made.append(...inside);
  return made;
};

// ---- what was written before, what was chosen last time, what was looked for in vain
const kept = new Kept(form);
const before = kept.restore();
let submission = before?.submission ?? form.dataset.submission;
let guide = before?.guide ?? null;
kept.keep({ submission, guide });
if (before && (field('text').value || field('customer.phone').value)) say(form, 'restored').append(' ', startAnew());
else remembered();
const carried = sessionStorage.getItem('front-desk:carried');
if (carried) {
  sessionStorage.removeItem('front-desk:carried');
  const name = /^[+(]?\d[\d ()-]+$/.test(carried) ? 'customer.phone' : carried.includes('@') ? 'customer.email' : 'customer.name';
  if (!field(name).value) field(name).value = carried;
}
if ([...form.querySelectorAll('[data-more] :is(input, textarea)')].some((each) => (each.type === 'checkbox' ? each.checked : each.value))) {
  form.querySelector('[data-more]').open = true;
}

function remembered() {
  for (const each of form.querySelectorAll('[data-remember]')) {
    const last = localStorage.getItem(`front-desk:${each.name}`);
    if (last && [...each.options].some(({ value }) => value === last)) each.value = last;
  }
}

function startAnew() {
  const button = element('button', { type: 'button', className: 'quiet', textContent: '清空重填 ' }, small('Start anew'));
  button.addEventListener('click', () => {
    kept.forget();
    location.reload();
  });
  return button;
}

watchWording(form);

// ---- possible duplicates and open events
let timer = 0;
let asked = '';
const known = () => ({
  phone: field('customer.phone').value.trim() || null,
  email: field('customer.email').value.trim() || null,
  customer_no: field('customer.customer_no').value.trim() || null,
  place: field('place').value.trim() || null,
  product: field('product').value || null,
});

function lookSoon() {
  clearTimeout(timer);
  timer = setTimeout(() => void lookForSimilar(), PAUSE);
}

async function lookForSimilar() {
  const now = known();
  const question = JSON.stringify(now);
  if (question === asked) return;
  asked = question;
  const { kind, body } = await call('/api/v1/complaints/similar', now);
  if (kind === 'expired') say(form, 'expired');
  if (kind !== 'ok' || question !== asked) {
    if (kind !== 'ok') asked = '';
    return;
  }
  const lines = [...body.events.map(event), ...body.complaints.map(duplicate)];
  form.querySelector('[data-similar-found]').replaceChildren(...lines);
  form.querySelector('[data-similar-none]').hidden = lines.length > 0;
  const hint = form.querySelector('[data-similar-hint]');
  hint.hidden = lines.length === 0;
  hint.textContent = `该客户有 ${body.complaints.length} 件投诉，当地有 ${body.events.length} 个重大事件 ↓`;
}

function event({ number, says, place, complaint_count, news }) {
  const link = element('a', { href: `/events/${number}`, target: '_blank', textContent: number });
  const head = element('p', {}, element('b', { textContent: `重大事件：${says.kind}` }), ` ${place} · `, link);
  const more = element('p', { className: 'soft', textContent: `${says.status} · ${complaint_count} 件投诉已并入 complaints joined` });
  const told = news ? [element('p', { className: 'words', textContent: `可告知客户：${news}` })] : [];
  return element('div', { className: 'similar event' }, head, more, ...told);
}

function duplicate({ number, says, received_at, is_open }) {
  const link = element('a', { href: `/complaints/${number}`, target: '_blank', textContent: number });
  const words = [says.status, says.product, says.category, received_at.slice(0, 16).replace('T', ' ')].filter(Boolean);
  const head = element('p', {}, element('b', { textContent: is_open ? '该客户有未办结的投诉' : '该客户此前的投诉' }), ' ', link);
  const box = element('div', { className: `similar ${is_open ? 'open' : ''}` }, head, element('p', { className: 'soft', textContent: words.join(' · ') }));
  if (is_open) box.append(addInstead(number));
  return box;
}

/** The same matter again: what was written becomes a note on the complaint that there is. */
function addInstead(number) {
  const button = element('button', { type: 'button', className: 'quiet', textContent: '是同一件事：作为补充说明 ' }, small('The same matter: add it there'));
  button.addEventListener('click', async () => {
    const text = field('text').value.trim().slice(0, 2000);
    if (!text) return void mark(form, { text: '请先写下客户说了什么。 Write down what the customer says first.' });
    say(form, 'sending');
    const answer = await call(`/api/v1/complaints/${number}/notes`, { as, text, of_customer: true, submission: `${submission}-same` });
    if (answer.kind !== 'ok') return void say(form, answer.kind, answer.kind === 'refused' ? answer.body.detail : '');
    kept.forget();
    location.assign(`/complaints/${number}?said=noted`);
  });
  return button;
}

for (const name of ['customer.phone', 'customer.email', 'customer.customer_no', 'place', 'product']) {
  field(name).addEventListener('input', lookSoon);
}
void lookForSimilar();

// ---- the fault guide (rule B12)
const steps = form.querySelector('[data-guide-steps]');
for (const button of form.querySelectorAll('[data-guide-kind]')) {
  button.addEventListener('click', () => void ask({ kind: button.dataset.guideKind, answers: {} }));
}
if (guide) void ask(guide);

async function ask(next) {
  const { kind, body } = await call(`/api/v1/fault-guides/${next.kind}?${new URLSearchParams(next.answers)}`);
  if (kind !== 'ok') {
    steps.replaceChildren(element('p', { className: 'form-says lost', textContent: body.detail ?? '没有连上服务器，请再点一次。 No answer; try again.' }));
    return;
  }
  guide = next;
  kept.keep({ guide });
  for (const button of form.querySelectorAll('[data-guide-kind]')) button.setAttribute('aria-pressed', String(button.dataset.guideKind === guide.kind));
  steps.replaceChildren(...(body.question ? question(body.question) : outcome(body)), ...stepBack());
  steps.querySelector('button')?.focus();
}

function question({ key, label, options }) {
  const number = Object.keys(guide.answers).length + 1;
  const buttons = options.map((option, at) => {
    const button = element('button', { type: 'button', className: 'quiet' }, element('kbd', { textContent: at + 1 }), option.label);
    button.addEventListener('click', () => void ask({ kind: guide.kind, answers: { ...guide.answers, [key]: option.value } }));
    return button;
  });
  const group = element('div', { className: 'options' }, ...buttons);
  group.setAttribute('role', 'group');
  group.setAttribute('aria-label', label);
  return [element('p', { className: 'asked', textContent: `${number}. ${label}` }), group];
}

function outcome({ words, steps: todo, is_visit_needed }) {
  const list = todo.map(({ zh, en }) => element('li', {}, zh, ' ', small(en)));
  return [
    element('p', { className: 'words' }, words.zh, ' ', small(words.en)),
    ...(list.length ? [element('ol', { className: 'todo' }, ...list)] : []),
    ...(is_visit_needed ? [element('p', { className: 'soft', textContent: '需要上门。 A visit is needed.' })] : []),
    element('p', { className: 'soft', textContent: '登记时，引导结果会一并交给办理人。 What was found goes along with the complaint.' }),
  ];
}

function stepBack() {
  const answered = Object.entries(guide.answers);
  const button = element('button', { type: 'button', className: 'quiet back-one', textContent: answered.length ? '上一步 ' : '不用引导 ' }, small(answered.length ? 'Back' : 'No guide'));
  button.addEventListener('click', () => (answered.length ? void ask({ kind: guide.kind, answers: Object.fromEntries(answered.slice(0, -1)) }) : drop()));
  return [button];
}

function drop() {
  guide = null;
  kept.keep({ guide });
  steps.replaceChildren();
  for (const button of form.querySelectorAll('[data-guide-kind]')) button.setAttribute('aria-pressed', 'false');
  form.querySelector('[data-guide-kind]').focus();
}

document.addEventListener('keydown', (event_) => {
  if (event_.ctrlKey || event_.metaKey || event_.isComposing) return;
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event_.code)?.[1];
  const isInGuide = event_.target.closest?.('[data-guide]');
  if (event_.key === 'Escape' && isInGuide) return void field('text').focus();
  const buttons = event_.altKey ? form.querySelectorAll('[data-guide-kind]') : isInGuide ? steps.querySelectorAll('.options button') : [];
  const chosen = digit && buttons[Number(digit) - 1];
  if (!chosen) return;
  event_.preventDefault();
  chosen.click();
});

// ---- evidence: chosen here, sent when the complaint has its number
const files = form.querySelector('[data-files]');
const uploads = form.querySelector('[data-uploads]');
const largest = Number(form.dataset.largest);
let lines = [];
files.addEventListener('change', () => {
  uploads.replaceChildren();
  lines = [...files.files].map((file) => new Line(uploads, file));
  for (const line of lines) line.says(refusal(line.file, largest) ?? '', refusal(line.file, largest) ? 'refused' : '');
});

// ---- sending
let isSending = false;
let done = null;
form.addEventListener('submit', (event_) => {
  event_.preventDefault();
  void send();
});
form.addEventListener('keydown', (event_) => {
  if (event_.key === 'Enter' && (event_.ctrlKey || event_.metaKey) && !event_.isComposing) form.requestSubmit();
});

async function send() {
  if (isSending) return;
  isSending = true;
  say(form, 'sending');
  done ??= await register();
  if (done) await sendFiles();
  isSending = false;
}

async function register() {
  const { place = '', remark = '', ...complaint } = written(form);
  const answer = await call(action, { submission, complaint, place, remark, guide: guide && Object.keys(guide.answers).length ? guide : null });
  if (answer.kind === 'ok') {
    kept.forget();
    for (const each of form.querySelectorAll('[data-remember]')) localStorage.setItem(`front-desk:${each.name}`, each.value);
    return answer.body;
  }
  if (answer.status === 409) {
    // this page's complaint is another one: a tab that was doubled, say. What is written here is sent as one of its own.
    submission = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
    kept.keep({ submission });
  }
  const left = mark(form, answer.body.fields);
  say(form, answer.kind, answer.kind === 'refused' ? [answer.body.detail, ...left].join(' ') : '');
  return null;
}

/** A file that is refused does not undo the complaint: it has its number, and says so. */
async function sendFiles() {
  let all = true;
  for (const line of lines.filter((each) => !each.isKept)) {
    line.isKept = await line.send(address(done.number, as, likelyKind(line.file), line.file.name), largest);
    all = all && line.isKept;
  }
  if (all) {
    location.assign(done.next);
    return;
  }
  const place = say(form, 'refused', `已登记为 ${done.number}，但有文件没有收下。再点“登记”只重传文件，或 `);
  place.append(element('a', { className: 'button', href: done.next, textContent: '打开这件投诉 ' }, small('Open the complaint')));
}
