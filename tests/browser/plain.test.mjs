// The same way without any script.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Firm, chooser, download, file, noise, openCase } from './firm.mjs';

const TITLE = 'Castellanos: a case without scripts';
const LETTER = noise(200_000, 21);
const plain = { javaScriptEnabled: false };

const firm = await Firm.open();
after(() => firm.close());

const listed = (page, name) => page.getByRole('table', { name: 'Documents, newest first' }).getByRole('row').filter({ hasText: name });
const flash = (page, words) => page.getByRole('status').filter({ hasText: words }).waitFor();

describe('a day without scripts', () => {
  let page;
  let path;
  const add = async files => {
    await chooser(page).setInputFiles(files);
    await page.getByRole('button', { name: 'Add to the case' }).click();
  };

  before(async () => {
    page = await (await firm.stranger(plain)).newPage();
  });
  after(() => page.context().close());

  test('in', async () => {
    await firm.signIn(page, 'Priya', '/cases');
    assert.equal(new URL(page.url()).pathname, '/cases', 'where one wanted to go');
    for (const name of ['Show the password', 'Print', 'Copy']) assert.equal(await page.getByRole('button', { name }).count(), 0, `${name} does nothing here`);
  });

  test('a case with a mistake, then without', async () => {
    await page.goto('/cases/new');
    await page.getByLabel('Summary').fill('Typed once.');
    await page.getByRole('button', { name: 'Go on to conflicts' }).click();
    const problem = page.getByRole('group', { name: 'There is a problem' });
    await problem.getByRole('link').first().click();
    assert.match(new URL(page.url()).hash, /^#(title|type)$/);
    assert.equal((await page.getByLabel('Summary').inputValue()).trim(), 'Typed once.', 'what was typed is still there');
    path = await openCase(page, TITLE);
    await flash(page, 'The case is open.');
  });

  test('a change, and a change of a colleague in between', async () => {
    const other = await page.context().newPage();
    await page.goto(`${path}/edit`);
    await other.goto(`${path}/edit`);
    await other.getByLabel('Summary').fill('The other was quicker.');
    await other.getByRole('button', { name: 'Save the change' }).click();
    await flash(other, 'Your change is saved.');
    await page.getByLabel('Summary').fill('This one is late.');
    await page.getByRole('button', { name: 'Save the change' }).click();
    await page.getByRole('alert').filter({ hasText: 'changed this case' }).waitFor();
    assert.equal((await page.getByLabel('Summary').inputValue()).trim(), 'This one is late.');
    await other.reload();
    await other.getByText('The other was quicker.').waitFor();
    await other.close();
  });

  test('files in', async () => {
    await page.goto(`${path}/documents`);
    await add([file('Letter.pdf', LETTER), file('Note.txt', 'a note\n')]);
    await flash(page, /(2|Two) files are kept\./);
    await add([file('Third.txt', 'three'), file('Empty.txt', '')]);
    const sent = page.getByRole('list', { name: 'Files that you have just sent' }).getByRole('listitem');
    assert.match(await sent.filter({ hasText: 'Third.txt' }).innerText(), /Kept/);
    assert.match(await sent.filter({ hasText: 'Empty.txt' }).innerText(), /0 bytes[\s\S]*Refused/);
    assert.equal(await listed(page, 'Empty.txt').count(), 0);
    await page.goto(`${path}/documents`);
    await page.getByRole('button', { name: 'Add to the case' }).click();
    await page.getByText('Choose one or more files first').waitFor();
  });

  test('a file out', async () => {
    await page.goto(`${path}/documents`);
    const { name, bytes } = await download(page, listed(page, 'Letter.pdf').getByRole('link', { name: /Download/ }));
    assert.equal(name, 'Letter.pdf');
    assert.ok(bytes.equals(LETTER));
  });

  test('trash and undo', async () => {
    await page.goto(`${path}/documents`);
    await listed(page, 'Note.txt').getByRole('button', { name: /Move to trash/ }).click();
    await flash(page, 'in the trash');
    assert.equal(await listed(page, 'Note.txt').count(), 0);
    await page.getByRole('button', { name: 'Undo' }).click();
    await flash(page, 'The document is back.');
    assert.equal(await listed(page, 'Note.txt').count(), 1);
  });

  test('a colleague in, a wall, the wall down, and out', async () => {
    const ruth = await (await firm.actor('Ruth', plain)).newPage();
    const status = async () => (await ruth.goto(path)).status();
    const choose = async (label, name) => {
      const person = page.getByLabel(label, { exact: true });
      await person.selectOption(await person.locator('option').filter({ hasText: name }).getAttribute('value'));
    };
    assert.equal(await status(), 404);
    await page.goto(`${path}/access`);
    await choose('Person or team', 'Ruth');
    await page.getByRole('radiogroup', { name: 'Level' }).getByLabel(/^Read/i).check();
    await page.getByLabel(/^Why \(/).fill('Second pair of eyes');
    await page.getByRole('button', { name: 'Give access' }).click();
    await flash(page, 'Access is given to Ruth Feldman.');
    assert.equal(await status(), 200);
    await choose('Who is kept out', 'Ruth');
    await page.getByLabel('Reason for the wall').fill('Acted for the other side');
    await page.getByRole('button', { name: 'Put up the wall' }).click();
    await flash(page, 'The wall is up against Ruth Feldman.');
    assert.equal(await status(), 404);
    await page.getByRole('region', { name: 'Kept out' }).locator('summary').click();
    await page.getByLabel('Why it comes down').fill('The other side has another firm now');
    await page.getByRole('button', { name: /Take the wall down/ }).click();
    await flash(page, 'The wall is down for Ruth Feldman.');
    const row = page.getByRole('table', { name: /People in the firm/ }).getByRole('row').filter({ hasText: 'Ruth Feldman' });
    if (await row.count()) {
      await row.getByRole('button', { name: /Take back/ }).click();
      await flash(page, 'Access is taken back from Ruth Feldman.');
    }
    assert.equal(await status(), 404);
    await ruth.context().close();
  });

  test('out, and the way back shows nothing', async () => {
    await page.goto(path);
    await page.goto('/account');
    await page.getByRole('contentinfo').getByRole('button', { name: 'Sign out' }).click();
    await flash(page, 'You are signed out.');
    await page.goBack();
    await page.goBack();
    assert.equal(await page.getByText(TITLE).count(), 0);
    await page.goto(path);
    assert.equal(new URL(page.url()).pathname, '/sign-in');
  });
});
