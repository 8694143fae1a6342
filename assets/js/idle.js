// Says two minutes before a session ends that it will, and keeps it going when asked to. Without this file it ends unannounced.
// What was typed stays on the page, and is kept nowhere else.
const WARN = 120_000;
const LOOK = 30_000;
const idle = Number(document.body.dataset.idle) * 1000;
/** The end whatever happens, and the end if nothing is done. By the clock, which goes on while a laptop sleeps. */
const last = Date.now() + Number(document.body.dataset.ends) * 1000;
let quiet = Date.now() + idle;
let box = null;
let before = null;
let told = false;
let busy = false;
let ended = false;
let timer = 0;
const tabs = 'BroadcastChannel' in window ? new BroadcastChannel('session') : null;

const hour = at => new Date(at).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });

const hide = () => {
  if (!box) return;
  const focused = box.contains(document.activeElement);
  box.remove();
  box = null;
  if (focused) before?.focus();
};

/** The line at the foot of the window, with one button that has the focus. Any key there does what the button does. */
const show = (words, label, act) => {
  hide();
  before = document.activeElement;
  box = document.createElement('div');
  box.className = 'say warn flash idle';
  box.setAttribute('role', 'alertdialog');
  box.setAttribute('aria-label', 'Your session');
  box.setAttribute('aria-describedby', 'idle-words');
  const said = document.createElement('p');
  said.id = 'idle-words';
  said.textContent = words;
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = label;
  button.addEventListener('click', act);
  box.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey || ['Tab', 'Shift', 'Control', 'Alt', 'Meta'].includes(event.key)) return;
    event.preventDefault();
    act();
  });
  box.append(said, button);
  document.body.append(box);
  button.focus();
};

const say = words => {
  if (box) box.querySelector('p').textContent = words;
};

const over = () => {
  ended = true;
  clearTimeout(timer);
  show('Your session is over. What you typed is still on this page: copy it before you leave, then sign in again.', 'Close', hide);
};

/** The session was used, here or in another tab. */
const used = at => {
  quiet = Math.max(quiet, at + idle);
  ended = false;
  hide();
  look();
};

const stay = async () => {
  if (busy) return;
  busy = true;
  const at = Date.now();
  const csrf = document.querySelector('input[name="csrf"]')?.value ?? '';
  const request = { method: 'POST', headers: { Accept: 'application/json' }, body: new URLSearchParams({ csrf }) };
  const response = await fetch('/session/stay', request).catch(() => null);
  busy = false;
  if (response?.ok) {
    used(at);
    tabs?.postMessage(at);
  } else if (response?.status === 401) {
    over();
  } else if (response?.status === 403) {
    say('This page is from before you showed again that it is you. Copy what you typed, then load it again.');
  } else {
    say('The server did not answer. Check that you are online, then press the button again.');
  }
};

const seen = () => {
  told = true;
  hide();
};

const look = () => {
  if (ended) return;
  clearTimeout(timer);
  const end = Math.min(quiet, last);
  const left = end - Date.now();
  if (left <= 0) return over();
  if (left <= WARN && !box) {
    if (end < last) show(`You will be signed out at ${hour(end)}. Press Enter or any key here to stay.`, 'Stay signed in', stay);
    else if (!told) show(`You will be signed out at ${hour(end)}: no session lasts longer. Send what you are writing before that.`, 'I have read it', seen);
  }
  timer = setTimeout(look, Math.min(left > WARN ? left - WARN : left, LOOK));
};

tabs?.addEventListener('message', event => used(event.data));
tabs?.postMessage(Date.now());
document.addEventListener('visibilitychange', look);
look();
