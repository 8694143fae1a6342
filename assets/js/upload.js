// Adding documents with progress: one request and one row a file. Without this file the form is sent as it is.
const form = document.querySelector('form.drop');
const input = form.querySelector('[type="file"]');
const list = document.querySelector('.ups');
const said = document.querySelector('[data-said]');
const AT_ONCE = 2;
const LOOK = 'Load this page again and look whether the file is in the list; if it is not, try again.';
const queue = [];
const running = new Set();

/** A row from its template, its places filled with text. */
const row = (kind, texts) => {
  const made = document.querySelector(`template[data-row="${kind}"]`).content.cloneNode(true).firstElementChild;
  for (const [place, text] of Object.entries(texts)) {
    for (const node of made.querySelectorAll(`[data-${place}]`)) node.textContent = text;
  }
  return made;
};

const size = bytes => {
  const [unit, per] = bytes >= 1e6 ? ['MB', 1e6] : ['kB', 1e3];
  const n = bytes / per;
  return `${n < 10 && unit === 'MB' ? n.toFixed(1) : Math.ceil(n)}\u00a0${unit}`;
};

const files = (n, is, are) => (n === 1 ? `One file ${is}` : `${n} files ${are}`);

const say = text => {
  said.textContent = text;
};

/** Puts `fresh` where the row of `job` is; the focus stays in the list. */
const replace = (job, fresh) => {
  const focused = job.row.contains(document.activeElement);
  job.row.replaceWith(fresh);
  job.row = fresh;
  if (!focused) return;
  const target = fresh.querySelector('button') ?? list.querySelector('button') ?? input;
  target.focus();
};

const broken = (job, note, word = 'Not kept') => {
  const fresh = row('broken', { name: job.file.name, note });
  fresh.querySelector('[data-word]').textContent = word;
  fresh.querySelector('[data-again]').addEventListener('click', () => wait(job));
  replace(job, fresh);
};

/** This page as it is now, if whoever looks may see it. It is not run. */
const current = () =>
  new Promise(done => {
    const request = new XMLHttpRequest();
    request.responseType = 'document';
    request.addEventListener('loadend', () => done(request.response?.querySelector('form.drop') ? request.response : null));
    request.open('GET', form.action);
    request.send();
  });

/** The session is over: another one has another form token, which stands on the page as it is then. */
const over = job => {
  const fresh = row('over', { name: job.file.name });
  const again = async () => {
    const page = await current();
    if (page) form.elements.csrf.value = page.querySelector('form.drop [name="csrf"]').value;
    wait(job);
  };
  fresh.querySelector('[data-again]').addEventListener('click', again, { once: true });
  replace(job, fresh);
};

const dropped = job => {
  broken(job, job.all ? `You cancelled it when all of it had been sent. ${LOOK}` : 'You cancelled it. Nothing of this file was kept.', 'Cancelled');
};

/** What the server says of the file, or why it says nothing. */
const settle = job => {
  const { request, file } = job;
  let answer = null;
  try { answer = JSON.parse(request.responseText); } catch { /* no answer of ours */ }
  const one = answer?.kept?.[0];
  const no = answer?.refused?.[0];
  if (one) {
    replace(job, row('kept', { name: one.name, size: one.size_words, receipt: one.receipt }));
  } else if (no) {
    replace(job, row('refused', { name: file.name, note: no.why }));
  } else if (request.status === 401) {
    over(job);
  } else if (answer?.error) {
    broken(job, answer.error);
  } else if (job.all) {
    broken(job, `The connection broke before the answer came. ${LOOK}`, 'Not sure');
  } else {
    broken(job, `The connection broke, and nothing of this file was kept. Check that you are online and that the file is not larger than ${form.dataset.limit}, then try again.`);
  }
};

/** Puts the list as it is now, and its counts, where the old ones are; not while somebody is in the list. */
const refresh = async () => {
  const page = await current();
  const [old, fresh] = [document, page].map(place => ['#documents', '.toc', 'main .head'].map(part => place?.querySelector(part)));
  const usable = [...old, ...fresh].every(Boolean) && !old.some(part => part.contains(document.activeElement));
  if (usable) old.forEach((part, n) => part.replaceWith(fresh[n]));
  return usable;
};

const tell = () => {
  const left = running.size + queue.length;
  if (left) return say(`${files(left, 'is', 'are')} on the way.`);
  const kept = list.querySelectorAll('.st.ok').length;
  const not = list.children.length - kept;
  const rest = not ? ` ${files(not, 'is', 'are')} not; the list says why.` : '';
  const text = kept ? `${files(kept, 'is', 'are')} kept.${rest}` : 'No file is kept; the list says why.';
  say(text);
  if (!kept) return;
  refresh().then(done => {
    if (!done && said.textContent === text) said.append(' ', row('list', {}));
  });
};

const next = () => {
  while (running.size < AT_ONCE && queue.length) send(queue.shift());
  tell();
};

const done = (job, act) => {
  running.delete(job);
  act(job);
  next();
};

const send = job => {
  const request = new XMLHttpRequest();
  const note = job.row.querySelector('[data-note]');
  const bar = job.row.querySelector('progress');
  job.request = request;
  job.all = false;
  running.add(job);
  request.upload.addEventListener('progress', event => {
    job.all = event.loaded >= event.total;
    bar.value = event.total ? (100 * event.loaded) / event.total : 100;
    note.textContent = job.all ? `${size(job.file.size)} sent, being encrypted` : `${size(event.loaded)} of ${size(event.total)}`;
  });
  request.addEventListener('load', () => done(job, settle));
  request.addEventListener('error', () => done(job, settle));
  request.addEventListener('abort', () => done(job, dropped));
  request.open('POST', form.action);
  request.setRequestHeader('Accept', 'application/json');
  const body = new FormData();
  body.append('csrf', form.elements.csrf.value);
  body.append('file', job.file);
  request.send(body);
};

const cancel = job => {
  if (running.has(job)) return job.request.abort();
  queue.splice(queue.indexOf(job), 1);
  dropped(job);
  tell();
};

/** A row for the file, and its place in the queue. */
const wait = job => {
  const fresh = row('going', { name: job.file.name });
  fresh.querySelector('progress').setAttribute('aria-label', job.file.name);
  fresh.querySelector('[data-cancel]').addEventListener('click', () => cancel(job));
  if (job.row) replace(job, fresh);
  else list.append(fresh);
  job.row = fresh;
  list.hidden = false;
  queue.push(job);
  next();
};

const take = chosen => {
  for (const file of chosen) wait({ file });
  input.value = '';
};

form.querySelector('.btn.go').hidden = true;
const [plain, script] = form.querySelectorAll('label > span');
plain.hidden = true;
script.hidden = false;
input.addEventListener('change', () => take([...input.files]));
form.addEventListener('submit', event => {
  event.preventDefault();
  take([...input.files]);
});
for (const kind of ['dragenter', 'dragover']) {
  form.addEventListener(kind, event => {
    event.preventDefault();
    form.classList.add('over');
  });
}
form.addEventListener('dragleave', event => {
  if (!form.contains(event.relatedTarget)) form.classList.remove('over');
});
form.addEventListener('drop', event => {
  event.preventDefault();
  form.classList.remove('over');
  take([...event.dataTransfer.files]);
});
// A file that misses the zone must not replace the page.
for (const kind of ['dragover', 'drop']) addEventListener(kind, event => event.preventDefault());
addEventListener('beforeunload', event => {
  if (running.size || queue.length) event.preventDefault();
});
