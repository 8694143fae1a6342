// A working day with scripts: in by typing, a case, files, a colleague let in and out again.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Firm, chooser, complaints, download, file, noise, openCase } from './firm.mjs';

const LETTER = noise(300_000, 11);
const TITLE = 'Brennan: a day in the life of a case';

const firm = await Firm.open();
after(() => firm.close());

/** The row of a file in the list of what was just sent. */
const sent = (page, name) => page.getByRole('list', { name: 'Files that you have just sent' }).getByRole('listitem').filter({ hasText: name });
/** The row of a document in the list of the case. */
const listed = (page, name) => page.getByRole('table', { name: 'Documents, newest first' }).getByRole('row').filter({ hasText: name });

describe('a day of Priya', () => {
  let page;
  let said;
  let path;

  before(async () => {
    page = await (await firm.stranger({ acceptDownloads: true })).newPage();
    said = complaints(page);
  });
  after(() => page.context().close());

  test('a wrong password is said at the top, and the words are kept', async () => {
    await page.goto('/today');
    assert.equal(new URL(page.url()).pathname, '/sign-in');
    await page.getByLabel('E-mail address').pressSequentially(firm.user('Priya').email);
    await page.getByLabel('Password', { exact: true }).pressSequentially('not the password');
    await page.keyboard.press('Enter');
    const problem = page.getByRole('group', { name: 'There is a problem' });
    await problem.waitFor();
    assert.ok(await problem.evaluate(group => group === document.activeElement), 'the summary has the focus');
    assert.match(await page.title(), /^Error: /);
    assert.equal(await page.getByLabel('E-mail address').inputValue(), firm.user('Priya').email);
    assert.ok(said.splice(0).every(words => words.includes('status of 422')));
  });

  test('the password can be shown and hidden', async () => {
    const password = page.getByLabel('Password', { exact: true });
    await page.getByRole('button', { name: 'Show the password' }).click();
    assert.equal(await password.getAttribute('type'), 'text');
    await page.getByRole('button', { name: /the password/ }).click();
    assert.equal(await password.getAttribute('type'), 'password');
  });

  test('password and code, typed, lead to the page that was asked for', async () => {
    await page.getByLabel('Password', { exact: true }).pressSequentially(firm.user('Priya').password);
    await page.keyboard.press('Enter');
    const code = page.getByLabel('Code from your authenticator app');
    await code.waitFor();
    assert.ok(await code.evaluate(field => field === document.activeElement), 'the code can be typed at once');
    const digits = await firm.code('Priya');
    await page.keyboard.type(`${digits.slice(0, 3)} ${digits.slice(3)}`);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/today');
    await firm.keep('Priya', page.context());
  });

  test('a case is opened', async () => {
    path = await openCase(page, TITLE);
    await page.getByRole('status').filter({ hasText: 'The case is open.' }).waitFor();
    await page.getByRole('heading', { level: 1, name: TITLE }).waitFor();
  });

  test('several files are kept, an empty one is refused, each with a row', async () => {
    await page.goto(`${path}/documents`);
    assert.equal(await page.getByRole('button', { name: 'Add to the case' }).count(), 0, 'files go as soon as they are chosen');
    await page.getByText('Drop files here, or', { exact: true }).waitFor();
    const rows = page.locator('progress');
    const seen = page.waitForFunction(() => document.querySelectorAll('.ups progress').length > 1);
    await chooser(page).setInputFiles([file('Letter.pdf', LETTER), file('Note.txt', 'a note\n'), file('Empty.txt', ''), file('Scan.bin', noise(2_000_000, 5))]);
    await seen;
    for (const name of ['Letter.pdf', 'Note.txt', 'Scan.bin']) {
      await sent(page, name).getByText('Kept', { exact: true }).waitFor();
      assert.match(await sent(page, name).innerText(), /receipt\s+\S{8}/);
    }
    await sent(page, 'Empty.txt').getByText('Refused', { exact: true }).waitFor();
    assert.match(await sent(page, 'Empty.txt').innerText(), /0 bytes/);
    await page.getByRole('status').filter({ hasText: '3 files are kept.' }).waitFor();
    assert.equal(await rows.count(), 0);
    assert.ok(said.splice(0).every(words => words.includes('status of 422')));
  });

  test('what comes back is what was sent', async () => {
    await listed(page, 'Scan.bin').waitFor();
    assert.match(await page.getByRole('navigation', { name: 'In this case' }).innerText(), /Documents\s*3/, 'list and count are those of now');
    const { name, bytes } = await download(page, listed(page, 'Letter.pdf').getByRole('link', { name: /Download/ }));
    assert.equal(name, 'Letter.pdf');
    assert.ok(bytes.equals(LETTER));
    await listed(page, 'Letter.pdf').getByRole('link', { name: 'Letter.pdf', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'Letter.pdf' }).waitFor();
    const again = await download(page, page.getByRole('link', { name: 'Download' }));
    assert.ok(again.bytes.equals(LETTER));
  });

  test('a document goes to the trash, and Undo brings it back', async () => {
    await page.goto(`${path}/documents`);
    await listed(page, 'Note.txt').getByRole('button', { name: /Move to trash/ }).click();
    await page.getByRole('status').filter({ hasText: 'in the trash' }).waitFor();
    assert.equal(await listed(page, 'Note.txt').count(), 0);
    await page.getByRole('region', { name: 'Trash' }).getByText('Note.txt').first().waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('status').filter({ hasText: 'The document is back.' }).waitFor();
    assert.equal(await listed(page, 'Note.txt').count(), 1);
    assert.equal(await page.getByRole('region', { name: 'Trash' }).count(), 0);
  });

  test('Ruth is let in, sees the case, is taken out and sees it no more', async () => {
    const ruth = await (await firm.actor('Ruth')).newPage();
    const there = ruth.getByRole('link', { name: TITLE });
    await ruth.goto('/cases');
    assert.equal(await there.count(), 0);
    assert.equal((await ruth.goto(path)).status(), 404);

    await page.goto(`${path}/access`);
    const person = page.getByLabel('Person or team', { exact: true });
    await person.selectOption(await person.locator('option').filter({ hasText: 'Ruth' }).getAttribute('value'));
    await page.getByRole('radiogroup', { name: 'Level' }).getByLabel(/^Read/i).check();
    await page.getByLabel(/^Why \(/).fill('Covers while Priya is away');
    await page.getByRole('button', { name: 'Give access' }).click();
    await page.getByRole('status').filter({ hasText: 'Access is given to Ruth Feldman.' }).waitFor();
    const row = page.getByRole('table', { name: /People in the firm/ }).getByRole('row').filter({ hasText: 'Ruth Feldman' });
    assert.match(await row.innerText(), /Read[\s\S]*Covers while Priya is away/);

    await ruth.goto('/cases');
    await there.click();
    await ruth.getByRole('heading', { level: 1, name: TITLE }).waitFor();
    await ruth.goto(`${path}/documents`);
    assert.equal(await ruth.locator('input[type="file"]').count(), 0, 'reading is not adding');
    assert.equal(await ruth.getByRole('button', { name: /Move to trash/ }).count(), 0);
    const { bytes } = await download(ruth, listed(ruth, 'Letter.pdf').getByRole('link', { name: /Download/ }));
    assert.ok(bytes.equals(LETTER));
    assert.equal((await ruth.goto(`${path}/access`)).status(), 200, 'who reads is told who else does');
    await ruth.getByRole('table', { name: /People in the firm/ }).getByText('Priya Nair', { exact: true }).waitFor();
    assert.equal(await ruth.getByRole('button', { name: /Give access|Put up the wall|Take back/ }).count(), 0, 'who reads does not manage');

    await row.getByRole('button', { name: /Take back/ }).click();
    await page.getByRole('status').filter({ hasText: 'Access is taken back from Ruth Feldman.' }).waitFor();
    assert.equal(await row.count(), 0);
    await ruth.goto('/cases');
    assert.equal(await there.count(), 0);
    assert.equal((await ruth.goto(path)).status(), 404);
    await ruth.goto(`/cases?q=${encodeURIComponent('Brennan')}`);
    assert.equal(await there.count(), 0);
    await ruth.context().close();
  });

  test('the history says all of it', async () => {
    await page.goto(`${path}/history`);
    const events = (await page.getByRole('group', { name: 'What happened' }).innerText()).replaceAll(/\s+/g, ' ');
    for (const words of ['Priya Nair', 'gave access: Ruth Feldman, Read', 'Letter.pdf', 'Note.txt']) assert.ok(events.includes(words), `${words} in ${events}`);
  });

  test('keys lead where the help says', async () => {
    await page.goto('/today');
    await page.keyboard.press('/');
    const search = page.getByRole('searchbox', { name: 'Search cases' });
    assert.ok(await search.evaluate(field => field === document.activeElement), '/ goes to the search');
    await page.keyboard.type('Brennan/gc?n');
    assert.equal(await search.inputValue(), 'Brennan/gc?n', 'where somebody writes, a key is a letter');
    await search.fill('brennan');
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: TITLE }).waitFor();
    const press = async (keys, goal) => {
      await page.locator('h1').click();
      for (const key of keys) await page.keyboard.press(key);
      await page.waitForURL(`**${goal}`);
    };
    await press('gt', '/today');
    await press('gc', '/cases');
    await press('n', '/cases/new');
    await press('?', '/help');
    await page.goto('/cases');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the page');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  });

  test('the chosen theme wins over the device', async () => {
    const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const choose = async label => {
      await page.goto('/account');
      await page.getByRole('radiogroup', { name: 'How pages look' }).getByLabel(label).check();
      await page.getByRole('button', { name: 'Keep this choice' }).click();
      await page.getByRole('status').filter({ hasText: 'Your choice is kept.' }).waitFor();
      return ground();
    };
    await page.emulateMedia({ colorScheme: 'light' });
    const [device, dark] = [await choose('As my device'), await choose('Dark')];
    assert.notEqual(dark, device);
    await page.emulateMedia({ colorScheme: 'dark' });
    assert.equal(await ground(), dark);
    assert.equal(await choose('Light'), device);
    assert.equal(await choose('As my device'), dark);
  });

  test('nothing was complained about', () => assert.deepEqual(said, []));
});

describe('a form sent too late', () => {
  test('gives back what was typed, and leads to the form again', async () => {
    const context = await firm.actor('Daniel');
    const page = await context.newPage();
    await page.goto('/cases/new');
    await page.getByLabel('Title').fill('Typed too late');
    await page.getByLabel('Summary').fill('Several words\nover two lines');
    const elsewhere = await context.newPage();
    await elsewhere.goto('/today');
    await elsewhere.getByRole('contentinfo').getByRole('button', { name: 'Sign out' }).click();
    await elsewhere.getByText('You are signed out.').waitFor();
    await page.getByRole('button', { name: 'Go on to conflicts' }).click();
    await page.getByText('What you typed is below').waitFor();
    assert.equal(await page.getByLabel('Title').inputValue(), 'Typed too late');
    assert.equal(await page.getByLabel('Summary').inputValue(), 'Several words\nover two lines');
    const coming = context.waitForEvent('page');
    await page.getByRole('link', { name: 'Sign in in a new tab' }).click();
    const door = await coming;
    await door.waitForLoadState();
    await firm.signIn(door, 'Daniel', door.url());
    assert.equal(new URL(door.url()).pathname, '/cases/new');
    await context.close();
  });
});

describe('a slow line', () => {
  test('what is cancelled half-way leaves nothing, and can be sent again', async () => {
    const context = await firm.actor('Priya');
    const page = await context.newPage();
    const path = await openCase(page, 'Uploads: cancelled half-way');
    await page.goto(`${path}/documents`);
    const before_ = await firm.stored();
    const line = await context.newCDPSession(page);
    const speed = uploadThroughput => line.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput });
    await line.send('Network.enable');
    await speed(1_000_000);
    const large = noise(20_000_000, 3);
    await chooser(page).setInputFiles([await firm.paper('Large.bin', large), await firm.paper('Second.bin', noise(20_000_000, 4)), await firm.paper('Third.bin', noise(1000, 5))]);
    await page.waitForFunction(() => document.querySelector('.ups progress')?.value > 10);
    assert.match(await sent(page, 'Third.bin').innerText(), /Waiting/, 'two at once');
    await page.getByRole('status').filter({ hasText: '3 files are on the way.' }).waitFor();
    for (const name of ['Third.bin', 'Second.bin', 'Large.bin']) {
      await sent(page, name).getByRole('button', { name: /Cancel/ }).click();
      await sent(page, name).getByText('Cancelled', { exact: true }).waitFor();
    }
    await speed(-1);
    for (let n = 0; (await firm.stored()).half > 0; n += 1) {
      assert.ok(n < 50, 'what was half sent is still there');
      await new Promise(yes => { setTimeout(yes, 200); });
    }
    assert.deepEqual(await firm.stored(), before_);
    const other = await context.newPage();
    await other.goto(`${path}/documents`);
    await other.getByText('No document is in this case yet.').waitFor();

    await sent(page, 'Large.bin').getByRole('button', { name: /Try again/ }).click();
    await sent(page, 'Large.bin').getByText('Kept', { exact: true }).waitFor();
    await other.reload();
    const { bytes } = await download(other, listed(other, 'Large.bin').getByRole('link', { name: /Download/ }));
    assert.ok(bytes.equals(large));
    await context.close();
  });

  test('a broken line is said, and what is dropped on the page is taken', async () => {
    const context = await firm.actor('Priya');
    const page = await context.newPage();
    const path = await openCase(page, 'Uploads: a broken line');
    await page.goto(`${path}/documents`);
    await context.setOffline(true);
    const drop = name => page.evaluate(name => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(['dropped'], name));
      document.querySelector('.drop').dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
    }, name);
    await drop('Dropped.txt');
    const row = sent(page, 'Dropped.txt');
    await row.getByText(/Not kept|Not sure/).waitFor();
    await context.setOffline(false);
    await row.getByRole('button', { name: /Try again/ }).click();
    await row.getByText('Kept', { exact: true }).waitFor();
    await context.close();
  });

  test('a session that ended is said in the row, not kept silent', async () => {
    const context = await firm.actor('Marta');
    const page = await context.newPage();
    const path = await openCase(page, 'Uploads: signed out meanwhile');
    await page.goto(`${path}/documents`);
    const elsewhere = await context.newPage();
    await elsewhere.goto('/account');
    await elsewhere.getByRole('contentinfo').getByRole('button', { name: 'Sign out' }).click();
    await elsewhere.getByText('You are signed out.').waitFor();
    await chooser(page).setInputFiles(file('Late.txt', 'late'));
    await sent(page, 'Late.txt').getByText('Not kept', { exact: true }).waitFor();
    assert.match(await sent(page, 'Late.txt').innerText(), /session is over/);
    const coming = context.waitForEvent('page');
    await sent(page, 'Late.txt').getByRole('link', { name: 'Sign in in another tab' }).click();
    const door = await coming;
    await door.waitForLoadState();
    await firm.signIn(door, 'Marta', door.url());
    await sent(page, 'Late.txt').getByRole('button', { name: /Try again/ }).click();
    await sent(page, 'Late.txt').getByText('Kept', { exact: true }).waitFor();
    await context.close();
  });
});
