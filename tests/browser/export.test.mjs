// Exports as people meet them: nobody to approve, one who asks, one who approves, the file, and the pages in it opened from a disk.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, test } from 'node:test';
import { Firm, complaints, download } from './firm.mjs';
import { faults } from './look.mjs';

const firm = await Firm.open();
after(() => firm.close());

const HERE = '/system/export';
const page = await (await firm.actor('Tom A')).newPage();
const said = complaints(page);
const sound = async (shot, where = page) => assert.deepEqual([...await faults(where, shot), ...said], [], shot);

/** Opens the page again until it shows this. */
const until = async words => {
  for (let n = 0; n < 60; n++) {
    await page.goto(HERE);
    if (await page.getByText(words).count()) return;
    await sleep(500);
  }
  assert.fail(`the page never says ${words}`);
};

test('one asks and another approves', async () => {
  await page.goto(HERE);
  await page.getByRole('button', { name: 'Ask for the export' }).click();
  await page.getByText('There is a problem').waitFor();
  said.splice(0); // the answer to a form with mistakes is 422
  await sound('export-mistake');
  await page.getByLabel('Why').fill('The firm moves to another server, and takes everything along.');
  await page.getByRole('button', { name: 'Ask for the export' }).click();
  await page.getByText('Your request is kept').waitFor();
  await page.goto(HERE);
  await sound('export-asked');
  assert.equal(await page.getByRole('button', { name: 'Approve' }).count(), 0);

  const daniel = await (await firm.actor('Daniel')).newPage();
  await daniel.goto('/people');
  await daniel.getByRole('link', { name: 'Exports' }).click();
  await daniel.getByText('One export waits for your answer.').waitFor();
  await sound('export-approve', daniel);
  await daniel.getByRole('button', { name: 'Approve' }).click();
  await daniel.getByText('You have approved the export').waitFor();
});

test('it is prepared, fetched, opened from a disk and removed', async () => {
  await until('Your export can be fetched');
  await sound('export-ready');
  const { name, bytes } = await download(page, page.getByRole('link', { name: 'Fetch' }));
  assert.match(name, /^Pell & Harrow export \d{4}-\d\d-\d\d\.zip$|^Pell _ Harrow export/);
  const zip = await firm.paper('export.zip', bytes);
  const there = await firm.folder('export');
  await promisify(execFile)('unzip', ['-q', zip, '-d', there]);
  await promisify(execFile)('sha256sum', ['-c', '--quiet', 'SHA256SUMS'], { cwd: there });
  const reader = await (await firm.stranger({ bypassCSP: true })).newPage();
  const heard = complaints(reader);
  await reader.goto(pathToFileURL(join(there, 'index.html')).href);
  await sound('export-index', reader);
  await reader.getByRole('link', { name: 'PH-2026-0007' }).first().click();
  await reader.getByRole('heading', { name: 'Documents' }).waitFor();
  await sound('export-case', reader);
  const links = await reader.locator('td a').evaluateAll(all => all.map(one => one.href));
  assert.ok(links.length > 3 && links.every(link => link.startsWith('file:')), links.join(' '));
  assert.deepEqual(heard, []);
  await page.getByRole('button', { name: 'Remove' }).click();
  await page.getByText('The prepared file is removed').waitFor();
  await page.goto(HERE);
  await sound('export-over');
});

test('with nobody to approve, the page says so and what to do, and whom one has made just now is nobody', async () => {
  const change = async role => {
    await page.goto('/people?q=Daniel');
    await page.getByRole('main').getByRole('link', { name: 'Daniel Okoye' }).click();
    await page.goto(`${new URL(page.url()).pathname}/role`);
    await page.getByRole('radio', { name: role }).check();
    await page.getByRole('button', { name: 'Change the role' }).click();
  };
  await change('Staff');
  await change('Case manager');
  await page.goto(HERE);
  await page.getByText('Nobody else could approve an export now.').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Ask for the export' }).count(), 0);
  await sound('export-nobody');
});
