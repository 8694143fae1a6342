// While something is at work, the part of the page that tells of it is fetched again now and then. Whoever has no script loads the page again.
const PAUSE = 4000;
const MOST = 150;

/** The page as it is now, or null. Parsed by the request itself: a parser that takes text is a sink that trusted types close. */
const fetched = () => new Promise(done => {
  const request = new XMLHttpRequest();
  request.responseType = 'document';
  request.onloadend = () => done(request.status === 200 && request.responseURL === location.href.split('#')[0] ? request.response : null);
  request.open('GET', location.href);
  request.send();
});

async function again(left) {
  const old = document.querySelector('[data-live]');
  if (!old || left === 0) return;
  const page = await fetched();
  for (const id of page ? old.dataset.live.split(' ') : []) {
    const [here, fresh] = [document.getElementById(id), page.getElementById(id)];
    if (here && fresh) here.replaceWith(document.adoptNode(fresh));
  }
  setTimeout(again, PAUSE, left - 1);
}

setTimeout(again, PAUSE, MOST);
