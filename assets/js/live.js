// While something is at work, the part of the page that tells of it is fetched again now and then. Whoever has no script loads the page again.
const PAUSE = 4000;
const MOST = 150;

async function again(left) {
  const old = document.querySelector('[data-live]');
  if (!old || left === 0) return;
  const response = await fetch(location.href, { headers: { accept: 'text/html' } }).catch(() => null);
  if (response?.ok && !response.redirected) {
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    for (const id of old.dataset.live.split(' ')) {
      const [here, fresh] = [document.getElementById(id), page.getElementById(id)];
      if (here && fresh) here.replaceWith(document.adoptNode(fresh));
    }
  }
  setTimeout(again, PAUSE, left - 1);
}

setTimeout(again, PAUSE, MOST);
