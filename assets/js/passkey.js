// Passkeys: asks the server what to ask for, asks the browser, and brings back its answer. Without this file there are password and code.
// A button says where: data-passkey is the path that takes the answer, and below it stands "begin". With data-make it sets one up.

/** Something to be said to the person as it is. */
class Sentence extends Error {}

const CANCELLED = 'Nothing happened: you cancelled it, it took too long, or there is no passkey of this site on the device. Try again, or go on without.';
const WORDS = {
  NotAllowedError: CANCELLED,
  AbortError: CANCELLED,
  InvalidStateError: 'This device has a passkey for your account already. Use another device, or remove the old one from your account first.',
  NotSupportedError: 'This device cannot make a passkey that is safe enough here. Use another device.',
  ConstraintError: 'This device cannot ask for a PIN, a fingerprint or a face. Set one up on it first, or use another device.',
  SecurityError: 'The browser allows no passkeys at this address. Ask your system administrator whether its certificate is trusted.',
};
const BROKEN = 'The connection broke before the answer came. Check that you are online, then try again.';
const OVER = 'Load this page again: it asks for what is missing and leads back here.';
const SILENT = 'The server gave no answer that can be used. Load this page again, then try once more.';

/** An address that is a number has no passkeys. */
const numeric = /^[\d.]+$|^\[/.test(location.hostname);
const offered = !numeric && 'PublicKeyCredential' in window && 'credentials' in navigator;

const bytes = text => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), char => char.charCodeAt(0));

/** Base64url without padding; null for nothing. */
const text = buffer => {
  if (!buffer) return null;
  const chars = Array.from(new Uint8Array(buffer), byte => String.fromCharCode(byte)).join('');
  return btoa(chars).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
};

const listed = list => (list ?? []).map(one => ({ ...one, id: bytes(one.id) }));

/** The parts that the server reads, each of them text. */
const written = (credential, parts) => {
  const response = Object.fromEntries(parts.map(part => [part, text(credential.response[part])]));
  return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response };
};

const make = async ask => {
  const publicKey = { ...ask, challenge: bytes(ask.challenge), user: { ...ask.user, id: bytes(ask.user.id) }, excludeCredentials: listed(ask.excludeCredentials) };
  const credential = await navigator.credentials.create({ publicKey });
  return written(credential, ['attestationObject', 'clientDataJSON']);
};

const show = async ask => {
  const publicKey = { ...ask, challenge: bytes(ask.challenge), allowCredentials: listed(ask.allowCredentials) };
  const credential = await navigator.credentials.get({ publicKey });
  return written(credential, ['authenticatorData', 'clientDataJSON', 'signature', 'userHandle']);
};

const send = async (path, fields) => {
  const request = { method: 'POST', headers: { Accept: 'application/json' }, body: new URLSearchParams(fields) };
  const response = await fetch(path, request).catch(() => null);
  if (!response) throw new Sentence(BROKEN);
  const answer = await response.json().catch(() => null);
  if (response.status === 401 && answer?.error) throw new Sentence(`${answer.error} ${OVER}`);
  if (!response.ok || !(answer?.to || answer?.ask)) throw new Sentence(answer?.error ?? SILENT);
  return answer;
};

/** The whole way; ends where the server says that one goes on. */
const run = async (button, say) => {
  const form = button.closest('form') ?? document.querySelector('main form');
  const fields = Object.fromEntries(['csrf', 'next', 'name'].map(name => [name, form?.elements.namedItem(name)?.value ?? '']));
  const path = button.dataset.passkey;
  const { to, ask } = await send(`${path}/begin`, fields);
  if (to) return location.assign(to);
  say('Go on as your browser or device asks you to.');
  const credential = await ('make' in button.dataset ? make : show)(ask);
  say('One moment: it is being checked.');
  const done = await send(path, { ...fields, credential: JSON.stringify(credential) });
  return location.assign(done.to);
};

/** A place below the button in which it is said how it goes; read out when it changes. */
const place = button => {
  const said = document.createElement('p');
  said.setAttribute('role', 'status');
  said.className = 'vh';
  (button.closest('.row') ?? button).after(said);
  return (words, wrong = false) => {
    said.className = wrong ? 'err' : '';
    said.textContent = words;
  };
};

const set = button => {
  const say = place(button);
  let busy = false;
  button.hidden = false;
  if (button.form?.hidden) button.form.hidden = false;
  button.addEventListener('click', async event => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    try {
      await run(button, say);
    } catch (error) {
      say(error instanceof Sentence ? error.message : (WORDS[error?.name] ?? SILENT), true);
    } finally {
      busy = false;
    }
  });
};

if (offered) {
  for (const other of document.querySelectorAll('[data-no-passkey]')) other.hidden = true;
  for (const button of document.querySelectorAll('[data-passkey]')) set(button);
}
