// While a party’s name is typed, what the firm knows of such a name is shown below it. Whoever has no script sees it after adding the party.
const PAUSE = 600;
const field = document.getElementById('who');
const output = document.querySelector('[data-look]');

/** What a search for this name finds, or null. Parsed by the request itself: a parser that takes text is a sink that trusted types close. */
const found = name => new Promise(done => {
  const request = new XMLHttpRequest();
  request.responseType = 'document';
  request.onloadend = () => done(request.status === 200 ? request.response.getElementById('found') : null);
  request.open('GET', `/conflicts?names=${encodeURIComponent(name)}`);
  request.send();
});

let waiting = 0;
field?.addEventListener('input', () => {
  clearTimeout(waiting);
  const name = field.value.trim();
  if (name.length < 3) {
    output.hidden = true;
    return;
  }
  waiting = setTimeout(async () => {
    const list = await found(name);
    if (!list || field.value.trim() !== name) return;
    list.removeAttribute('id');
    output.replaceChildren(document.adoptNode(list));
    output.hidden = false;
  }, PAUSE);
});
