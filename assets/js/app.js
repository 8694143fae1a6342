// Optional: every page works without this file.
const all = selector => [...document.querySelectorAll(selector)];

// What came of the last click is read out, mistakes before all.
(document.querySelector('.problem') ?? document.querySelector('.flash[role]'))?.focus();

// Buttons that only do something here are shown only here.
const on = (selector, act) => {
  for (const button of all(selector)) {
    button.hidden = false;
    button.addEventListener('click', () => act(button));
  }
};

on('[data-copy]', async button => {
  const source = document.getElementById(button.dataset.copy);
  const word = button.firstChild;
  try {
    await navigator.clipboard.writeText(source.textContent);
    word.textContent = 'Copied';
  } catch {
    getSelection().selectAllChildren(source);
    word.textContent = 'Selected: copy it now';
  }
});

on('[data-show]', button => {
  const field = document.getElementById(button.dataset.show);
  const shown = field.type === 'password';
  field.type = shown ? 'text' : 'password';
  button.textContent = shown ? 'Hide' : 'Show';
  button.setAttribute('aria-pressed', shown);
});

on('[data-print]', () => print());

// The line that stands only on paper says when it was printed.
addEventListener('beforeprint', () => {
  const now = new Date().toLocaleString('en-GB', { dateStyle: 'long', timeStyle: 'short' });
  for (const place of all('[data-now]')) place.textContent = `, ${now}`;
});

// Keys: / search, g t Today, g c Cases, g k Contacts, n new case, ? help. Where somebody writes, a key is a letter.
let last = '';
addEventListener('keydown', event => {
  const writing = event.target.closest('input, textarea, select, [contenteditable]');
  if (writing || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
  if (event.key.length > 1) return;
  const after = last;
  last = event.key;
  if (event.key === '/') {
    const search = document.getElementById('q');
    if (!search) return;
    event.preventDefault();
    search.focus();
  } else if (after === 'g' ? 'tck'.includes(event.key) : 'n?'.includes(event.key)) {
    last = '';
    document.querySelector(`[data-key="${event.key}"]`)?.click();
  }
});
