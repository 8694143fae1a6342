// A firm to test with: the demo on a port of its own, a browser, and people who are signed in to it.
import { execFile, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

export const HERE = dirname(fileURLToPath(import.meta.url));
const BINARY = process.env.STRONGROOM ?? join(HERE, '../../target/debug/strongroom');
const STEP = 30;
const BROWSER = {
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
};
const CONTEXT = { ignoreHTTPSErrors: true, locale: 'en-GB', timezoneId: 'Europe/London', reducedMotion: 'reduce', viewport: { width: 1280, height: 900 } };

const unbase32 = text => {
  const bits = [...text].map(c => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  return Buffer.from(bits.match(/.{8}/g).map(byte => Number.parseInt(byte, 2)));
};

/** The code that an authenticator with this secret shows now. */
export const codeOf = secret => totp(secret, Math.floor(Date.now() / 1000 / STEP));

/** RFC 6238 with SHA-1 and six digits. */
const totp = (secret, step) => {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', unbase32(secret)).update(counter).digest();
  const number = mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff;
  return String(number % 1e6).padStart(6, '0');
};

// Whoever ends the tests early ends the firm too.
for (const [signal, code] of [['SIGTERM', 143], ['SIGINT', 130]]) process.once(signal, () => process.exit(code));

export class Firm {
  #child;
  #browser;
  #temporary;
  #states = new Map();
  #steps = new Map();

  /** A new demo firm with twelve cases, and a browser. */
  static open(...flags) {
    return Firm.#start('demo', '--cases', '12', ...flags);
  }

  /** An installation in an empty directory, which waits to be set up; `token` is that of its link. */
  static empty() {
    return Firm.#start('serve');
  }

  static async #start(command, ...flags) {
    const firm = new Firm();
    firm.#temporary = await mkdtemp(join(tmpdir(), 'strongroom-browser-'));
    firm.dir = join(firm.#temporary, 'data');
    firm.#child = spawn(BINARY, [command, '--json', '--port', '0', '--data', firm.dir, ...flags], { stdio: ['ignore', 'pipe', 'ignore'] });
    const gone = new Promise((_, no) => {
      firm.#child.once('error', no);
      firm.#child.once('exit', code => no(new Error(`the demo ended with ${code}`)));
    });
    gone.catch(() => {});
    process.once('exit', () => {
      firm.#child.kill('SIGKILL');
      rmSync(firm.#temporary, { recursive: true, force: true });
    });
    const line = new Promise(yes => { createInterface(firm.#child.stdout).once('line', yes); });
    const said = JSON.parse(await Promise.race([line, gone]));
    Object.assign(firm, { url: said.url, users: said.users, token: said.token });
    firm.#browser = await chromium.launch(BROWSER);
    return firm;
  }

  async close() {
    await this.#browser.close();
    const gone = new Promise(yes => { this.#child.once('exit', yes); });
    this.#child.kill();
    await gone;
    await rm(this.#temporary, { recursive: true });
  }

  user(name) {
    const found = this.users.find(user => user.name.startsWith(name));
    if (!found) throw new Error(`nobody is called ${name}`);
    return found;
  }

  /** A code of `name` that was not used yet; waits for the next one if it was. */
  async code(name) {
    const now = () => Math.floor(Date.now() / 1000 / STEP);
    while (this.#steps.get(name) === now()) await sleep(500);
    this.#steps.set(name, now());
    return totp(this.user(name).totp_secret, now());
  }

  /** A context of the browser in which nobody is signed in. */
  async stranger(options = {}) {
    const context = await this.#browser.newContext({ ...CONTEXT, baseURL: this.url, ...options });
    context.setDefaultTimeout(30_000);
    return context;
  }

  /** A context in which `name` is signed in. Signs in once and keeps the cookies. */
  async actor(name, options = {}) {
    if (!this.#states.has(name)) {
      const context = await this.stranger();
      const page = await context.newPage();
      await this.signIn(page, name);
      await this.keep(name, context);
      await context.close();
    }
    return this.stranger({ ...options, storageState: this.#states.get(name) });
  }

  /** Keeps who is signed in here for later contexts. */
  async keep(name, context) {
    this.#states.set(name, await context.storageState());
  }

  /** Types e-mail address, password and code; ends on the first page. */
  async signIn(page, name, from = '/sign-in') {
    await page.goto(from);
    await this.password(page, name);
    await page.getByLabel('Code from your authenticator app').fill(await this.code(name));
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('link', { name: 'Your account' }).waitFor();
  }

  /** Types e-mail address and password; ends on the page that asks for the code. */
  async password(page, name) {
    const { email, password } = this.user(name);
    await page.getByLabel('E-mail address').fill(email);
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByLabel('Code from your authenticator app').waitFor();
  }

  /** What a command of the program prints about this firm; what it says beside that is not heard. */
  async command(...words) {
    const { stdout } = await promisify(execFile)(BINARY, [...words, '--data', this.dir]);
    return stdout;
  }

  /** A new empty folder beside the data. */
  async folder(name) {
    const path = join(this.#temporary, name);
    await mkdir(path);
    return path;
  }

  /** A file on disk, to be chosen in a form: for large ones better than `file`. Gives its path. */
  async paper(name, bytes) {
    const path = join(this.#temporary, name);
    await writeFile(path, bytes);
    return path;
  }

  /** Files on disk that hold documents, and files that are only half there. */
  async stored() {
    const all = await readdir(join(this.dir, 'sites'), { recursive: true, withFileTypes: true });
    const files = all.filter(entry => entry.isFile() && /\/blobs(\/|$)/.test(entry.path));
    const half = files.filter(entry => /\/blobs\/tmp(\/|$)/.test(entry.path));
    return { whole: files.length - half.length, half: half.length };
  }
}

/** A name that sounds like no other: made of random syllables. */
const nobodyElse = () => [0, 1].map(() => Array.from({ length: 6 }, () => 'bdfgklmnprstvz'[Math.floor(Math.random() * 14)] + 'aeiou'[Math.floor(Math.random() * 5)]).join('')).join(' ');

/** Fills the form of a new case and sends it; leads to its parties and conflicts. */
export const enquire = async (page, title, type = /Naturalisation/, client = nobodyElse()) => {
  await page.goto('/cases/new');
  await page.getByRole('textbox', { name: 'Client' }).fill(client);
  await page.getByLabel('Title').fill(title);
  const choice = page.getByLabel('Type of case');
  const option = choice.locator('option').filter({ hasText: type });
  await choice.selectOption(await option.first().getAttribute('value'));
  await page.getByRole('button', { name: 'Go on to conflicts' }).click();
};

/** Opens a new case by its forms; gives its path. */
export const openCase = async (page, title, type) => {
  await enquire(page, title, type);
  await page.waitForURL('**/parties?**');
  await page.getByText('Nothing found.').waitFor();
  await page.getByRole('radio', { name: 'No conflict' }).check();
  await page.getByRole('button', { name: 'Decide and open the case' }).click();
  await page.waitForURL(url => /^\/cases\/[^/]{20,}$/.test(url.pathname));
  return new URL(page.url()).pathname;
};

/** Where files are chosen. */
export const chooser = page => page.locator('input[type="file"]');

/** A file to be chosen in a form. */
export const file = (name, content, mimeType = 'application/octet-stream') => ({ name, mimeType, buffer: Buffer.from(content) });

/** Bytes that do not repeat, the same for the same seed. */
export const noise = (size, seed = 1) => {
  const words = new Uint32Array(Math.ceil(size / 4));
  let state = seed | 1;
  for (let n = 0; n < words.length; n += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[n] = state;
  }
  return Buffer.from(words.buffer).subarray(0, size);
};

/** Clicks a link that downloads; gives name and content. */
export const download = async (page, link) => {
  const [got] = await Promise.all([page.waitForEvent('download'), link.click()]);
  const pieces = [];
  for await (const piece of await got.createReadStream()) pieces.push(piece);
  return { name: got.suggestedFilename(), bytes: Buffer.concat(pieces) };
};

/** Writes down everything that the console of the browser complains about. */
export const complaints = page => {
  const said = [];
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) said.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', error => said.push(`exception: ${error.message}`));
  page.on('dialog', async dialog => {
    said.push(`${dialog.type()}: ${dialog.message()}`);
    await dialog.dismiss();
  });
  return said;
};
