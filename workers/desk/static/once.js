// A form is sent once: a second click while it is under way does nothing. Back in the page, it can be sent again.

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (form.method !== 'post') return;
  if (form.dataset.sending) event.preventDefault();
  else form.dataset.sending = 'yes';
});

window.addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[data-sending]')) delete form.dataset.sending;
});
