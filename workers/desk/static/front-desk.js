// The front desk with the keyboard: / to the search, j and k through what was found, Enter opens, n registers. Works without.

const links = () => [...document.querySelectorAll('.found .number a')];
const wanted = document.querySelector('[data-wanted]');

function go(step) {
  const all = links();
  const next = all[Math.min(all.length - 1, Math.max(0, all.indexOf(document.activeElement) + step))];
  next?.focus();
}

const KEYS = {
  j: () => go(1),
  k: () => go(-1),
  n: () => document.querySelector('[data-register]')?.click(),
  '/': () => wanted.select(),
};

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea')) return;
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

// What was looked for in vain goes to the form in this window's own store: nobody's telephone number is in an address.
document.querySelector('[data-carry]')?.addEventListener('click', () => sessionStorage.setItem('front-desk:carried', wanted.value.trim()));

if (links().length) links()[0].focus();
