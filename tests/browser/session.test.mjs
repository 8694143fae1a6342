// The end of a session is said two minutes before; one key keeps it going, and what was typed stays. The clock of the page is moved by hand.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Firm } from './firm.mjs';

const firm = await Firm.open();
after(() => firm.close());

const MINUTE = 60_000;
const TITLE = 'Half a title, not sent yet';

/** A form of Priya's with something typed, and how long it may lie before the session ends. */
const typed = async () => {
  const page = await (await firm.actor('Priya')).newPage();
  await page.context().clock.install();
  await page.goto('/cases/new');
  const idle = await page.evaluate(() => Number(document.body.dataset.idle) * 1000);
  assert.ok(idle > 5 * MINUTE, `idle for ${idle} ms`);
  await page.getByLabel('Title').fill(TITLE);
  return { page, idle, box: page.getByRole('alertdialog', { name: 'Your session' }), title: page.getByLabel('Title') };
};

test('a session that is about to end says so, and one key keeps it', async () => {
  const { page, idle, box, title } = await typed();
  await page.context().clock.fastForward(idle - 3 * MINUTE);
  assert.equal(await box.count(), 0, 'it is said too early');
  await page.context().clock.fastForward(MINUTE + 5_000);
  await box.waitFor();
  assert.match(await box.innerText(), /You will be signed out at \d\d:\d\d\. Press Enter or any key here to stay\./);
  const stayed = page.waitForResponse(response => response.url().endsWith('/session/stay'));
  await page.keyboard.press('k');
  assert.equal((await stayed).status(), 204);
  await box.waitFor({ state: 'detached' });
  assert.equal(await title.inputValue(), TITLE);
  assert.ok(await title.evaluate(one => one === document.activeElement), 'the cursor is where it was');
  await page.context().clock.fastForward(idle - 3 * MINUTE);
  assert.equal(await box.count(), 0, 'the time begins anew');
  await page.context().close();
});

test('a session that ended says so, and what was typed is still there', async () => {
  const { page, idle, box, title } = await typed();
  await page.context().clock.fastForward(idle + MINUTE);
  await box.getByText('Your session is over').waitFor();
  await page.keyboard.press('Enter');
  await box.waitFor({ state: 'detached' });
  assert.equal(await title.inputValue(), TITLE);
  await page.context().close();
});

test('another window of the same browser keeps this one going', async () => {
  const { page, idle, box } = await typed();
  await page.context().clock.fastForward(idle - MINUTE);
  await box.waitFor();
  const other = await page.context().newPage();
  await other.goto('/today');
  await box.waitFor({ state: 'detached' });
  await page.context().close();
});
