// Files, names and other sites that mean harm: nothing of theirs ever runs in the browser of a reader.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { Firm, chooser, download, file, openCase } from './firm.mjs';

const RUN = 'fetch("/canary?run");document.title="taken";alert("run")';
const TITLES = [`<script>${RUN}</script>`, `"><img src=/canary?title onerror='${RUN}'>`, '{{ 7 * 7 }} & {% raw %} &lt;b&gt;', 'Left \u202Eright \u2066to left'];
const NAMES = [`<img src=x onerror=alert(1)>.txt`, '"><svg onload=alert(2)>.txt', 'invoice\u202Efdp.exe', '..%2f..%2fetc%2fpasswd.txt'];
const FILES = [
  file('page.html', `<!doctype html><title>x</title><script>${RUN}</script><img src="/canary?picture" onerror='${RUN}'><iframe src="/canary?frame"></iframe>`, 'text/html'),
  file('page.xhtml', `<html xmlns="http://www.w3.org/1999/xhtml"><body><script>${RUN}</script></body></html>`, 'application/xhtml+xml'),
  file('picture.svg', `<svg xmlns="http://www.w3.org/2000/svg" onload='${RUN}'><script>${RUN}</script><image href="/canary?image"/></svg>`, 'image/svg+xml'),
  file('page.html.png', `<script>${RUN}</script>`, 'text/html'),
  file('style.xml', `<?xml-stylesheet href="/canary?style" type="text/xsl"?><a xmlns:h="http://www.w3.org/1999/xhtml"><h:script>${RUN}</h:script></a>`, 'text/xml'),
  file('script.js', RUN, 'text/javascript'),
];

const firm = await Firm.open();
after(() => firm.close());

/** Everything that would show that something ran: dialogs, requests for the canary, pages that opened, and requests to elsewhere. */
const guard = context => {
  const ran = [];
  const watch = page => {
    page.on('dialog', async dialog => {
      ran.push(`${dialog.type()}: ${dialog.message()}`);
      await dialog.dismiss();
    });
    page.on('pageerror', error => ran.push(error.message));
  };
  context.on('page', watch);
  context.on('request', request => {
    const url = new URL(request.url());
    if (url.pathname.startsWith('/canary') || url.origin !== firm.url) ran.push(request.url());
  });
  return ran;
};

describe('hostile files', () => {
  let context;
  let ran;
  let page;
  let path;

  before(async () => {
    context = await firm.actor('Priya');
    ran = guard(context);
    page = await context.newPage();
    path = await openCase(page, 'Hostile: files');
    await page.goto(`${path}/documents`);
    await chooser(page).setInputFiles([...FILES, ...NAMES.map(name => file(name, name))]);
    await page.getByRole('status').filter({ hasText: /kept\./ }).waitFor();
  });
  after(() => context.close());

  const contents = async () => {
    await page.goto(`${path}/documents`);
    return page.getByRole('link', { name: /Download/ }).evaluateAll(links => links.map(link => link.getAttribute('href')));
  };

  test('all are kept: what a file is, is for the reader to judge', async () => {
    assert.equal((await contents()).length, FILES.length + NAMES.length);
  });

  test('opening one is a download, never a page', async () => {
    for (const content of await contents()) {
      const tab = await context.newPage();
      const coming = tab.waitForEvent('download');
      await assert.rejects(tab.goto(content), /Download is starting|ERR_ABORTED/);
      await (await coming).cancel();
      assert.equal(tab.url(), 'about:blank', content);
      await tab.close();
    }
    assert.deepEqual(ran, []);
  });

  test('what it is sent with leaves no room', async () => {
    for (const content of await contents()) {
      const got = await page.request.get(content);
      const fields = got.headers();
      assert.match(fields['content-disposition'], /^attachment\b/);
      assert.equal(fields['content-security-policy'], "sandbox; default-src 'none'");
      assert.equal(fields['x-content-type-options'], 'nosniff');
      assert.equal(fields['cross-origin-resource-policy'], 'same-origin');
      assert.match(fields['cache-control'], /no-store/);
    }
  });

  test('no page takes one in: not as picture, frame, script or style', async () => {
    for (const content of await contents()) {
      const taken = await page.evaluate(async source => {
        const tries = [['img', 'src'], ['iframe', 'src'], ['object', 'data'], ['embed', 'src'], ['link', 'href']];
        for (const [kind, place] of tries) {
          const made = document.createElement(kind);
          if (kind === 'link') made.rel = 'stylesheet';
          try { made[place] = source; } catch { continue; } // trusted types
          document.body.append(made);
        }
        try {
          document.createElement('script').src = source;
          return 'a script could be made from words';
        } catch { /* trusted types again */ }
        await new Promise(yes => { setTimeout(yes, 150); });
        return document.title === 'taken' ? 'it ran' : '';
      }, content);
      assert.equal(taken, '', content);
    }
    assert.deepEqual(ran, []);
  });

  test('their names are text, and cannot be mistaken', async () => {
    await page.goto(`${path}/documents`);
    const rows = page.getByRole('table').getByRole('row').filter({ has: page.getByRole('link', { name: /Download/ }) });
    const came = [];
    for (const row of await rows.all()) {
      const shown = await row.locator('bdi').first().innerText();
      assert.doesNotMatch(shown, /[/\\<>"\p{Cc}\u202A-\u202E\u2066-\u2069]/u, 'no sign that means something elsewhere, or turns the others round');
      const { name, bytes } = await download(page, row.getByRole('link', { name: /Download/ }));
      assert.doesNotMatch(name, /[/\\<>"\u202E]/);
      came.push(bytes.toString());
    }
    for (const name of NAMES) assert.ok(came.includes(name), name);
    for (const link of await page.locator('td a:has(bdi)').evaluateAll(links => links.map(link => link.getAttribute('href')))) {
      await page.goto(link);
      await page.getByRole('heading', { name: 'Versions' }).waitFor();
    }
    for (const place of [path, `${path}/history`, '/today']) await page.goto(place);
    assert.deepEqual(ran, []);
  });
});

describe('hostile words', () => {
  test('a title is text on every page that shows it', async () => {
    const context = await firm.actor('Priya');
    const ran = guard(context);
    const page = await context.newPage();
    for (const title of TITLES) {
      const path = await openCase(page, title);
      const shown = (await page.getByRole('heading', { level: 1 }).innerText()).trim();
      assert.equal(shown, title.replaceAll(/[\u202E\u2066]/g, ''));
      await page.goto(`${path}/access`);
      const person = page.getByLabel('Person or team', { exact: true });
      await person.selectOption(await person.locator('option').filter({ hasText: 'Folake' }).getAttribute('value'));
      await page.getByRole('radiogroup', { name: 'Level' }).getByLabel(/^Read/i).check();
      await page.getByLabel(/^Why \(/).fill(title);
      await page.getByRole('button', { name: 'Give access' }).click();
      await page.getByRole('status').filter({ hasText: 'Access is given to Folake Adeyemi.' }).waitFor();
      for (const place of ['', '/edit', '/documents', '/access', '/history']) {
        await page.goto(`${path}${place}`);
        assert.ok((await page.title()).length > 0);
        assert.notEqual(await page.title(), 'taken');
      }
      await page.goto(`${path}/edit`);
      assert.equal(await page.getByLabel('Title').inputValue(), shown);
      for (const list of ['/today', '/cases', `/cases?q=${encodeURIComponent(title)}`]) await page.goto(list);
      assert.equal(await page.locator('input[name="q"]').last().inputValue(), title);
      assert.equal(await page.locator('main img, main script').count(), 0);
    }
    assert.deepEqual(ran, []);
    await context.close();

    const client = await firm.actor('Folake');
    const theirs = guard(client);
    const home = await client.newPage();
    await home.goto('/home');
    await home.getByText(TITLES[0]).waitFor();
    assert.deepEqual(theirs, []);
    await client.close();
  });

  test('a query puts no words into our mouth', async () => {
    const context = await firm.actor('Priya');
    const ran = guard(context);
    const page = await context.newPage();
    const evil = encodeURIComponent(`"><script>${RUN}</script>`);
    for (const path of [`/cases?q=${evil}&status=${evil}&owner=${evil}&view=${evil}&after=${evil}`, `/cases?said=${evil}`, `/cases?said=trashed&document=${evil}`, `/today?said=kept&n=${evil}`, `/cases/${evil}`, `/${evil}`]) {
      await page.goto(path);
      assert.notEqual(await page.title(), 'taken');
      assert.equal(await page.locator('main script').count(), 0);
    }
    assert.deepEqual(ran, []);
    await context.close();
  });
});

describe('another site', () => {
  let site;
  let origin;
  let html = '';

  before(async () => {
    site = createServer((_, answer) => answer.writeHead(200, { 'content-type': 'text/html' }).end(html));
    await new Promise(yes => { site.listen(0, '127.0.0.1', yes); });
    origin = `http://localhost:${site.address().port}`;
  });
  after(() => site.close());

  test('cannot send a form in our name', async () => {
    const context = await firm.actor('Priya');
    const page = await context.newPage();
    const path = await openCase(page, 'Hostile: forged forms');
    for (const place of [`${path}/edit`, `${path}/access`, '/account/theme', '/sign-out']) {
      html = `<form method="post" action="${firm.url}${place}"><input name="title" value="forged"><input name="theme" value="dark"></form><script>document.forms[0].submit()</script>`;
      const tab = await context.newPage();
      const coming = tab.waitForResponse(response => response.url().startsWith(firm.url) && response.request().method() === 'POST');
      await tab.goto(origin);
      assert.ok([401, 403].includes((await coming).status()), `${place} came with ${(await coming).status()}`);
      await tab.close();
    }
    await page.goto(path);
    await page.getByRole('heading', { level: 1, name: 'Hostile: forged forms' }).waitFor();
    assert.equal(await page.locator('html[data-theme]').count(), 0);
    await context.close();
  });

  test('cannot show us in a frame, or read what is ours', async () => {
    const context = await firm.actor('Priya');
    const page = await context.newPage();
    html = `<iframe src="${firm.url}/cases"></iframe><img src="${firm.url}/assets/none.svg"><script>window.read = fetch("${firm.url}/cases", { credentials: 'include' }).then(() => 'read', () => 'refused')</script>`;
    await page.goto(origin);
    assert.equal(await page.evaluate(() => window.read), 'refused');
    const inside = page.frames().find(frame => frame !== page.mainFrame());
    await page.waitForTimeout(300);
    assert.ok(!inside || !inside.url().startsWith(firm.url), `a frame shows ${inside?.url()}`);
    await context.close();
  });

  test('cannot keep a hand on the window it opened', async () => {
    const context = await firm.actor('Priya');
    const page = await context.newPage();
    html = `<button onclick="window.hand = window.open('${firm.url}/cases')">Open</button>`;
    await page.goto(origin);
    const [ours] = await Promise.all([context.waitForEvent('page'), page.getByRole('button').click()]);
    await ours.waitForLoadState();
    assert.equal(await ours.evaluate(() => window.opener), null);
    assert.ok(await page.evaluate(() => window.hand.closed), 'to the other site it looks closed');
    await context.close();
  });
});
