// Backups as the system administrator sees them: none, the first one, a drill, and a place that went away.
import assert from 'node:assert/strict';
import { appendFile, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, test } from 'node:test';
import { Firm, complaints } from './firm.mjs';
import { SHOTS, faults } from './look.mjs';

const firm = await Firm.open();
after(() => firm.close());

const page = await (await firm.actor('Tom A')).newPage();
const said = complaints(page);
const sound = async shot => assert.deepEqual([...await faults(page, shot), ...said], [], shot);
const there = await firm.folder('office');

/** Opens the page again until it shows this. */
const until = async (path, words) => {
  for (let n = 0; n < 60; n++) {
    await page.goto(path);
    if (await page.getByText(words).count()) return;
    await sleep(1000);
  }
  assert.fail(`${path} never says ${words}`);
};

test('without a place the page says what is at stake and how to add one', async () => {
  await page.goto('/system/backups');
  await page.getByText('Nothing is backed up. If this server were lost now, everything would be lost.').waitFor();
  assert.match(await page.getByRole('main').innerText(), /strongroom dest add office --dir/);
  assert.equal(await page.getByRole('button', { name: 'Back up now' }).count(), 0);
  await sound('backups-none');
  await page.goto('/system');
  await page.getByRole('heading', { name: 'Nothing is backed up' }).waitFor();
});

test('a place that is added is brought into step, and a drill proves it', async () => {
  await firm.command('dest', 'add', 'office', '--dir', there);
  await until('/system/backups', 'Until it is on paper');
  await page.getByRole('button', { name: 'Run a drill' }).click();
  await page.getByText(/Everything is being restored now|At work: /).waitFor();
  await until('/system/backups', 'Passed');
  assert.equal(await page.locator('figure.bars').count(), 0, 'one drill shows no trend');
  for (let n = 0; n < 6; n++) await firm.command('backup', 'drill');
  await page.goto('/system/backups');
  assert.equal(await page.locator('figure.bars rect').count(), 7, 'a bar for each drill');
  await page.getByRole('button', { name: 'Back up now' }).click();
  await page.getByText(/Everything is being brought to every place now|At work: /).waitFor();
  await until('/system/backups', 'In step');
  const text = await page.getByRole('main').innerText();
  assert.ok(text.includes(`strongroom restore --dir ${there} --kit - --to`), text);
  assert.equal(await page.locator('svg.heat svg title').count(), 1, 'one night was proven');
  await page.locator('summary', { hasText: 'office' }).click();
  await page.getByText('the copy shows its sign-in page').waitFor();
  await page.locator('summary', { hasText: 'Another place' }).click();
  await sound('backups');
  await page.goto('/system');
  await page.getByText('Backups arrive and restore').waitFor();
});

test('while something is at work the page follows it by itself', async () => {
  let going = true;
  const work = (async () => {
    while (going) await firm.command('backup', 'verify', '--deep');
  })();
  await until('/system/backups', 'At work');
  await page.evaluate(() => { window.sameAsBefore = true; });
  await sleep(5000);
  going = false;
  await work;
  await page.locator('[data-live]').waitFor({ state: 'detached' });
  assert.equal(await page.evaluate(() => window.sameAsBefore), true, 'it was not loaded anew');
  assert.deepEqual([...said], []);
});

test('a place that went away is named, on this page and on Health', async () => {
  await rename(there, `${there}-away`);
  await page.goto('/system/backups');
  await page.getByRole('button', { name: 'Back up now' }).click();
  await until('/system/backups', 'Failing');
  await sound('backups-failing');
  await page.goto('/system');
  await page.getByRole('heading', { name: 'Backups do not arrive' }).waitFor();
  await rename(`${there}-away`, there);
  await page.goto('/system/backups');
  await page.getByRole('button', { name: 'Back up now' }).click();
  await until('/system/backups', 'In step');
});

test('what is damaged at a place is named until a drill has brought it again', async () => {
  const found = await readdir(join(there, 'blob'), { recursive: true, withFileTypes: true });
  const document = found.find(entry => entry.isFile());
  const health = await page.context().newPage();
  // The server heals by itself within a minute: it may have done so before both pages are there, and then it is damaged once more.
  const shown = async () => {
    await appendFile(join(document.parentPath ?? document.path, document.name), 'x');
    await assert.rejects(firm.command('backup', 'verify', '--deep'), /Not everything there is as it should be/);
    await Promise.all([page.goto('/system/backups'), health.goto('/system')]);
    return await page.getByText('One file of the backup at office is damaged, found today at').count()
      && await page.getByText('Damaged', { exact: true }).count()
      && await health.getByRole('heading', { name: 'A backup is damaged' }).count();
  };
  let tries = 1;
  while (!await shown()) assert.ok(++tries <= 5, 'five times damaged, and never named');
  await health.close();
  await sound('backups-damaged');
  await firm.command('backup', 'drill');
  await until('/system/backups', 'In step');
  assert.equal(await page.getByText('is damaged, found').count(), 0);
});

test('with the kit on paper, the places of today are a sheet of their own, and the page is a record when it is printed', async () => {
  await page.goto('/system/kit');
  await page.getByRole('button', { name: 'Make the recovery kit' }).click();
  await page.getByRole('heading', { name: 'Print the recovery kit' }).waitFor();
  const groups = (await page.locator('.kitkey li').allInnerTexts()).map(text => text.trim());
  const asked = (await page.locator('label[for^=group]').allInnerTexts()).map(label => Number(label.match(/\d+/)[0]));
  for (const n of asked) await page.getByLabel(`Group ${n}`, { exact: true }).fill(groups[n - 1]);
  await page.getByLabel(/First holder/).fill('Ann Bell');
  await page.getByLabel(/Second holder/).fill('Ben Ode');
  await page.getByRole('button', { name: 'It is on paper' }).click();
  await page.goto('/system/kit');
  await page.getByRole('heading', { name: 'Places of the backups of Pell & Harrow' }).waitFor();
  assert.equal(await page.locator('.kitkey').count(), 0, 'the key is gone');
  assert.ok((await page.locator('#places code').allInnerTexts()).some(text => text.includes(`restore --dir ${there}`)));
  await sound('kit-places');
  await page.goto('/system/backups');
  await page.getByRole('link', { name: 'print a sheet of those of today' }).waitFor();
  for (const [path, shot] of [['/system/backups', 'backups-print'], ['/system/kit', 'kit-places-print']]) {
    await page.goto(path);
    await page.emulateMedia({ media: 'print', colorScheme: 'light' });
    await page.setViewportSize({ width: 794, height: 1123 });
    if (path === '/system/backups') {
      assert.ok(await page.getByText('Record of the backups').isVisible() && await page.locator('.record > summary').last().isVisible());
    }
    await page.screenshot({ path: join(SHOTS, `${shot}.png`), fullPage: true });
    await page.emulateMedia({ media: 'screen' });
  }
});
