// A firm is founded by keyboard alone, every page of it without a barrier; then a passkey is set up and used.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { Firm, codeOf, complaints } from './firm.mjs';
import { faults } from './look.mjs';

const firm = await Firm.empty();
after(() => firm.close());
const context = await firm.stranger();
const page = await context.newPage();
const said = complaints(page);

/** Goes by Tab to what has this name. */
const tabTo = async locator => {
  const wanted = await locator.elementHandle();
  for (let n = 0; n < 120; n += 1) {
    if (await wanted.evaluate(one => one === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not lead to ${locator}`);
};

/** Types into the field with this label. */
const type = async (label, text) => {
  await tabTo(page.getByLabel(label, { exact: true }));
  await page.keyboard.press('Control+A');
  await page.keyboard.type(text);
};

/** Presses the button with this name, and waits for the page that it leads to. */
const press = async (name, path) => {
  await tabTo(page.getByRole('button', { name }));
  await page.keyboard.press('Enter');
  await page.waitForURL(url => url.pathname === path);
};

const look = async name => assert.deepEqual(await faults(page, name), []);
const ann = { email: 'ann@bellode.example', password: 'lantern orbit velvet cactus' };

describe('founding a firm by keyboard', () => {
  test('the link fills in the code and leaves the address bar', async () => {
    await page.goto(`/setup#k=${firm.token}`);
    assert.equal(new URL(page.url()).hash, '');
    assert.equal(await page.locator('input[name=token]').inputValue(), firm.token);
    await look('setup claim');
    await page.goto(`/setup#k=${firm.token}`);
    await press('Begin', '/setup/firm');
  });

  test('the firm', async () => {
    await press('Continue', '/setup/firm');
    await page.getByRole('heading', { name: 'There is a problem' }).waitFor();
    await look('setup firm with mistakes');
    await type('Name of the firm', 'Bell & Ode');
    await tabTo(page.getByRole('radio').first());
    await page.keyboard.press('Space');
    await type('Start of references', 'BO');
    await type('Time zone', 'Europe/London');
    await press('Continue', '/setup/key');
  });

  test('the key', async () => {
    await look('setup key');
    await tabTo(page.getByRole('radio').first());
    const beside = page.getByRole('radio', { name: /beside the data/i });
    for (let n = 0; n < 4 && !await beside.isChecked(); n += 1) await page.keyboard.press('ArrowDown');
    assert.ok(await beside.isChecked());
    await press('Continue', '/setup/kit');
  });

  test('the kit', async () => {
    await look('setup kit');
    const groups = (await page.locator('.kitkey li').allInnerTexts()).map(text => text.trim());
    const asked = (await page.locator('label[for^=group]').allInnerTexts()).map(label => Number(label.match(/\d+/)[0]));
    for (const n of asked) await type(`Group ${n}`, groups[n - 1].toLowerCase());
    await type('First holder', 'Ann Bell');
    await type('Second holder', 'Ben Ode');
    await press('Continue', '/setup/you');
  });

  test('the first system administrator, down to the Health page', async () => {
    await look('setup you');
    await type('Your name', 'Ann Bell');
    await type('Your e-mail address', ann.email);
    await press('Continue', '/enrol/password');
    await look('enrol password');
    await type('Password', ann.password);
    await press('Continue', '/enrol/factor');
    await look('enrol factor');
    ann.secret = (await page.locator('#key').innerText()).replace(/\s/g, '');
    await type('Code from your authenticator app', codeOf(ann.secret));
    await press('Continue', '/enrol/codes');
    await look('enrol codes');
    await type('One of the codes', (await page.locator('#codes li').first().innerText()).trim());
    await press('Continue', '/enrol/terms');
    await look('enrol terms');
    await press(/accept/i, '/system');
    await look('health of a new firm');
  });

  test('nothing was complained about', () => {
    assert.deepEqual(said.filter(words => !words.includes('422')), []);
  });
});

describe('a passkey', () => {
  test('is set up, and lets its owner in without a password', async () => {
    const devtools = await context.newCDPSession(page);
    await devtools.send('WebAuthn.enable');
    const options = { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true };
    const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', { options });
    await page.goto('/account/passkeys/new');
    await look('account passkey');
    await page.getByLabel('What you call it').fill('This computer');
    await page.getByRole('button', { name: /passkey/i }).first().click();
    await page.waitForURL(url => url.pathname === '/account');
    assert.ok((await page.content()).includes('This computer'));
    await context.clearCookies({ name: '__Host-session' });
    await page.goto('/sign-in');
    await page.getByRole('button', { name: 'Use a passkey' }).click();
    await page.waitForURL(url => url.pathname === '/system');
    // A device that does not ask its owner is not let in.
    await devtools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false });
    await context.clearCookies({ name: '__Host-session' });
    await page.goto('/sign-in');
    await page.getByRole('button', { name: 'Use a passkey' }).click();
    await page.locator('[role=status], [role=alert]').filter({ hasText: /\w/ }).first().waitFor();
    assert.equal(new URL(page.url()).pathname, '/sign-in');
  });
});
