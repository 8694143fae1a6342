// Who gets where: a client to their own page, the administrator to the system, nobody further.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Firm, complaints, download } from './firm.mjs';

const TITLE = 'Adeyemi: spouse extension';
const firm = await Firm.open();
after(() => firm.close());

/** Paths of one case as its owner sees them. */
const paths = [];
let reference = '';
before(async () => {
  const page = await (await firm.actor('Priya')).newPage();
  await page.goto('/cases?q=adeyemi');
  const path = await page.getByRole('link', { name: TITLE }).getAttribute('href');
  reference = (await page.getByRole('row').filter({ hasText: TITLE }).getByRole('cell').first().innerText()).trim();
  await page.goto(`${path}/documents`);
  const document = await page.getByRole('link', { name: /^Client care letter/ }).getAttribute('href');
  paths.push('/today', '/cases', '/cases/new', path, `${path}/edit`, `${path}/documents`, `${path}/access`, `${path}/history`, document, `${document}/content`);
  await page.context().close();
});

/** Every one of `some` looks exactly like a page that never was. */
const nowhere = async (page, some) => {
  const look = async path => {
    const came = await page.goto(path);
    return { status: came.status(), text: await page.locator('body').innerText(), title: await page.title() };
  };
  const none = await look('/nowhere/at/all');
  assert.equal(none.status, 404);
  for (const path of some) assert.deepEqual(await look(path), none, path);
};

for (const [name, first] of [['Folake', 'Folake'], ['James', 'James']]) {
  describe(`the client ${name}`, () => {
    let page;
    before(async () => {
      page = await (await firm.stranger()).newPage();
      await firm.signIn(page, name);
    });
    after(() => page.context().close());

    test('signs in and sees the own case, in words', async () => {
      const said = complaints(page);
      await page.goto('/');
      assert.equal(new URL(page.url()).pathname, '/home');
      await page.getByRole('heading', { level: 1, name: `Hello ${first}` }).waitFor();
      const cases = page.getByRole('region', { name: 'Where your case is' }).getByRole('listitem');
      assert.equal(await cases.count(), 1);
      const words = await cases.innerText();
      for (const expected of [TITLE, reference, 'Priya Nair', 'We are working on it']) assert.ok(words.includes(expected), `${expected} in ${words}`);
      assert.equal(await page.getByRole('searchbox').count(), 0);
      assert.deepEqual(said, []);
    });

    test('finds nothing of the firm', async () => {
      await nowhere(page, [...paths, '/system']);
      const asked = await page.request.get(paths.at(-1));
      assert.equal(asked.status(), 404);
      assert.ok(!asked.headers()['content-disposition']);
    });

    test('has an account and a way out', async () => {
      await page.goto('/home');
      await page.getByRole('link', { name: 'Your account' }).click();
      await page.getByText(firm.user(name).email).waitFor();
      await page.getByRole('contentinfo').getByRole('button', { name: 'Sign out' }).click();
      await page.getByText('You are signed out.').waitFor();
      await page.goto('/home');
      assert.equal(new URL(page.url()).pathname, '/sign-in');
    });
  });
}

describe('the administrator', () => {
  let page;
  before(async () => {
    page = await (await firm.actor('Tom Ashworth')).newPage();
  });
  after(() => page.context().close());

  test('sees the system', async () => {
    const said = complaints(page);
    await page.goto('/');
    assert.equal(new URL(page.url()).pathname, '/system');
    assert.ok(await page.getByRole('table', { name: 'Checks in order' }).getByRole('row').count() > 1);
    assert.ok(await page.getByRole('region', { name: 'To do' }).getByRole('listitem').count() > 0);
    assert.deepEqual(said, []);
  });

  test('sees no case, and no word of one', async () => {
    await page.goto('/system');
    const words = await page.content();
    for (const word of [TITLE, reference, 'Client care letter']) assert.ok(!words.includes(word), word);
    await nowhere(page, [...paths, '/home']);
  });
});

describe('staff', () => {
  test('without a grant find nothing of the case', async () => {
    const page = await (await firm.actor('Tomasz')).newPage();
    // The wall that keeps Tomasz out, or no grant: both look the same.
    await nowhere(page, paths.slice(3));
    await page.goto('/cases?q=adeyemi');
    assert.equal(await page.getByText(TITLE).count(), 0);
    await nowhere(page, ['/home', '/system']);
    await page.context().close();
  });

  test('at reception know the reference, and nothing else', async () => {
    const page = await (await firm.actor('Siân')).newPage();
    await page.goto('/cases?view=every');
    await page.getByRole('row').filter({ hasText: reference }).getByText('Only the reference is open to you.').waitFor();
    assert.equal(await page.getByText(/Adeyemi/).count(), 0);
    await nowhere(page, paths.slice(3));
    await page.context().close();
  });
});

describe('nobody', () => {
  test('is asked to sign in, and then led where they wanted to go', async () => {
    const page = await (await firm.stranger()).newPage();
    for (const path of [...paths, '/home', '/system', '/account']) {
      await page.goto(path);
      assert.equal(new URL(page.url()).pathname, '/sign-in', path);
      assert.equal(new URL(page.url()).searchParams.get('next'), path);
    }
    await firm.signIn(page, 'Ruth', paths[5]);
    assert.equal(new URL(page.url()).pathname, paths[5]);
    const { bytes } = await download(page, page.getByRole('row').filter({ hasText: 'Client care letter' }).getByRole('link', { name: /Download/ }));
    assert.ok(bytes.length > 0);
    await page.context().close();
  });

  test('is not led away by a link', async () => {
    const page = await (await firm.stranger()).newPage();
    await firm.signIn(page, 'Daniel', '/sign-in?next=https://elsewhere.example/');
    assert.equal(page.url(), `${firm.url}/today`);
    await page.context().close();
  });
});
