// Every page, as its reader sees it, light and dark, wide and narrow: no barrier, nothing to scroll sideways, no complaint of the browser.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Firm, chooser, complaints, enquire, file, openCase } from './firm.mjs';
import { HEIGHT, WIDTHS, faults } from './look.mjs';

const firm = await Firm.open();
after(() => firm.close());

/** Links of the page that lead nowhere. */
const dead = async page => {
  const links = await page.locator('a[href]').evaluateAll(all => all.map(link => link.href));
  const own = [...new Set(links)].filter(link => link.startsWith(firm.url));
  const wrong = links.filter(link => !link.startsWith(firm.url) && !/^(tel|mailto|otpauth):/.test(link)).map(link => `leads elsewhere: ${link}`);
  for (const link of own) {
    const { hash } = new URL(link);
    if (hash && link.split('#')[0] === page.url().split('#')[0]) {
      if (!await page.locator(`[id="${hash.slice(1)}"]`).count()) wrong.push(`no such place here: ${hash}`);
    } else {
      const came = await page.request.head(link.split('#')[0]);
      if (came.status() >= 400) wrong.push(`a dead link, ${came.status()}: ${new URL(link).pathname}`);
    }
  }
  return wrong;
};

/** One page, to which `go` leads. The console may mention its status, and `mention` if a script of the page gets that, and nothing else. */
const look = (name, context, go, status = 200, mention = status) =>
  test(name, async () => {
    const page = await (await context()).newPage();
    try {
      const said = complaints(page);
      let came;
      page.on('response', response => {
        if (response.request().isNavigationRequest()) came = response.status();
      });
      await go(page);
      assert.equal(came, status, `${page.url()} came with ${came}`);
      const wrong = [...await faults(page, name.replaceAll(/\W+/g, '-')), ...await dead(page)];
      const expected = words => mention >= 400 && words.includes(`status of ${mention}`);
      assert.deepEqual([...wrong, ...said.filter(words => !expected(words))], [], `${name}, ${new URL(page.url()).pathname}`);
    } finally {
      await page.context().close();
    }
  });

const at = path => page => page.goto(path);
const nobody = () => firm.stranger();
const as = name => () => firm.actor(name);
const priya = as('Priya');

// What the pages show: the best known case with its grants, clients and wall, and something in its trash.
let known = '';
let empty = '';
let trashed = '';
let contact = '';
test('the stage is set', async () => {
  const page = await (await priya()).newPage();
  await page.goto('/cases?q=adeyemi');
  known = await page.getByRole('link', { name: 'Adeyemi: spouse extension' }).getAttribute('href');
  empty = await openCase(page, 'Okonkwo-Featherstonehaugh: naturalisation after refusal, with a title that is rather long for a narrow telephone');
  await page.goto(known);
  contact = await page.getByRole('link', { name: 'Folake Adeyemi' }).first().getAttribute('href');
  await page.goto(contact);
  await page.locator('summary', { hasText: 'Add a name' }).click();
  await page.locator('#alias').fill('Folake Balogun');
  await page.getByRole('button', { name: 'Add the name' }).click();
  await page.getByText('The contact is changed.').waitFor();
  await page.locator('summary', { hasText: 'Add an identity document' }).click();
  await page.locator('#identity_number').fill('A01234567');
  await page.getByLabel('Issued by').fill('Nigeria');
  await page.getByLabel('Valid until').fill('1 Dec 2026');
  await page.getByRole('button', { name: 'Add the document' }).click();
  await page.getByText('••••567').waitFor();
  await page.locator('summary', { hasText: 'Add a tie' }).click();
  await page.getByLabel('Folake Adeyemi').selectOption('spouse+');
  await page.locator('#who').fill('James Adeyemi');
  await page.getByRole('button', { name: 'Add the tie' }).click();
  await page.getByRole('radio', { name: 'James Adeyemi' }).check();
  await page.getByRole('button', { name: 'Add the tie' }).click();
  await page.getByText('is the spouse or partner of').first().waitFor();
  await page.goto(`${known}/documents`);
  await chooser(page).setInputFiles(file('A name without any place to break it in two ' + 'x'.repeat(80) + '.txt', 'words'));
  await page.getByText('One file is kept.').waitFor();
  await page.reload();
  const row = page.getByRole('row').filter({ hasText: 'Council tax bill' });
  trashed = await row.getByRole('link', { name: /Council tax bill/ }).first().getAttribute('href');
  await row.getByRole('button', { name: /Move to trash/ }).click();
  await page.getByRole('heading', { name: 'Trash' }).waitFor();
  await page.context().close();
});

look('sign-in', nobody, at('/sign-in'));
look('sign-in error', nobody, async page => {
  await page.goto('/sign-in');
  await page.getByLabel('E-mail address').fill('nobody@pellharrow.example');
  await page.getByLabel('Password', { exact: true }).fill('not the password');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('heading', { name: 'There is a problem' }).waitFor();
}, 422);
look('signed out', async () => {
  const context = await firm.stranger();
  const page = await context.newPage();
  await firm.signIn(page, 'Marta');
  await page.close();
  return context;
}, async page => {
  await page.goto('/account');
  await page.getByRole('contentinfo').getByRole('button', { name: 'Sign out' }).click();
  await page.getByText('You are signed out.').waitFor();
});
const toCode = async page => {
  await page.goto('/sign-in');
  await firm.password(page, 'Daniel');
};
look('code', nobody, toCode);
look('code error', nobody, async page => {
  await toCode(page);
  await page.getByLabel('Code from your authenticator app').fill('12');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'There is a problem' }).waitFor();
}, 422);
look('help signed out', nobody, at('/help'));
look('404 signed out', nobody, at('/nowhere'), 404);

look('today', priya, at('/today'));
look('cases', priya, at('/cases'));
look('cases every status', priya, at('/cases?view=every'));
look('cases filtered', priya, at('/cases?q=adeyemi&status=open'));
look('cases none fits', priya, at('/cases?q=zzzz+qqqq'));
look('who sees which cases', priya, at('/access'));
look('who sees which cases, of a receptionist', as('Siân'), at('/access'));
look('cases known by reference', as('Siân'), at('/cases'));
look('new case', priya, at('/cases/new'));
look('new case with errors', priya, async page => {
  await page.goto('/cases/new');
  await page.getByLabel('Title').fill('x'.repeat(130));
  await page.getByRole('button', { name: 'Go on to conflicts' }).click();
  await page.getByRole('heading', { name: 'There is a problem' }).waitFor();
}, 422);
look('case', priya, page => page.goto(known));
look('case just opened', priya, page => page.goto(`${empty}?said=opened`));
look('case of a colleague', as('Ruth'), page => page.goto(known));
look('edit', priya, page => page.goto(`${known}/edit`));
look('edit with errors', priya, async page => {
  await page.goto(`${known}/edit`);
  await page.getByLabel('Title').fill('');
  await page.getByLabel('Closed').check();
  await page.getByRole('button', { name: 'Save the change' }).click();
  await page.getByRole('heading', { name: 'There is a problem' }).waitFor();
}, 422);
look('case parties', priya, page => page.goto(`${known}/parties`));
look('case parties of a reader', as('Ruth'), page => page.goto(`${known}/parties`));
look('case parties asked who', priya, async page => {
  await page.goto(`${known}/parties`);
  await page.locator('summary', { hasText: 'Add a party' }).click();
  await page.getByLabel('Name', { exact: true }).fill('James Adeyemy');
  await page.getByText('James Adeyemi').nth(1).waitFor();
  await page.getByLabel('Part in this case').selectOption('witness');
  await page.getByRole('button', { name: 'Add the party' }).click();
  await page.getByRole('heading', { name: 'There is a problem' }).waitFor();
}, 422);
look('case parties with a match', priya, async page => {
  await enquire(page, 'Another matter', /Visit/, 'Brightwater Logistic');
  await page.getByRole('radio', { name: 'Somebody else' }).check();
  await page.getByRole('button', { name: 'Go on to conflicts' }).click();
  await page.getByText('Employer in').waitFor();
}, 200, 422);
look('enquiry asked who', priya, async page => {
  await enquire(page, 'Another matter', /Visit/, 'Folake Adeyemi');
  await page.getByText('Is it one of these?').waitFor();
}, 422);
look('contacts', priya, at('/contacts'));
look('contacts found', priya, at('/contacts?q=ade'));
look('contacts none', as('Siân'), at('/contacts?q=zzzz'));
look('contact', priya, page => page.goto(contact));
look('contact with errors', priya, async page => {
  await page.goto(contact);
  await page.locator('summary', { hasText: 'Add an identity document' }).click();
  await page.getByLabel('Valid until').fill('31 Feb 2030');
  await page.getByRole('button', { name: 'Add the document' }).click();
  await page.getByRole('heading', { name: 'There is a problem' }).waitFor();
}, 422);
look('contact edit', priya, page => page.goto(`${contact}/edit`));
look('contact history', priya, page => page.goto(`${contact}/history`));
look('contact merge', priya, page => page.goto(`${contact}/merge?q=adeyemi`));
look('contact new', priya, at('/contacts/new'));
look('contacts from a file', priya, at('/contacts/import'));
look('contacts from a file, looked at', priya, async page => {
  await page.goto('/contacts/import');
  await chooser(page).setInputFiles(file('old-system.csv', 'Name,Born,Shoe size\nAnn Bell,1/2/1980,38\nBen,31/2/1980,\nFolake Adeyemi,,\n', 'text/csv'));
  await page.getByRole('button', { name: 'Look at the file' }).click();
  await page.getByRole('button', { name: 'Keep 2 contacts' }).waitFor();
});
look('conflicts', priya, at('/conflicts'));
look('conflicts found', priya, at('/conflicts?names=Adeyemi%0ABrightwater%0ANobody%20Whatsoever'));
look('conflicts hidden', as('Tomasz'), at('/conflicts?names=Adeyemi'));
look('documents', priya, page => page.goto(`${known}/documents`));
look('documents none', priya, page => page.goto(`${empty}/documents`));
look('documents moved to trash', priya, page => page.goto(`${known}/documents?said=trashed&document=${trashed.split('/').pop()}`));
look('documents sent', priya, async page => {
  await page.goto(`${empty}/documents`);
  await chooser(page).setInputFiles([file('Letter.txt', 'words'), file('Nothing in it.txt', ''), file('خطاب من المحامي.txt', 'words')]);
  await page.getByText('2 files are kept.').waitFor();
}, 200, 422);
look('documents refused without scripts', priya, async page => {
  // The page has to run the measuring, so that only its own script is taken out.
  await page.route('**/upload.*.js', route => route.fulfill({ contentType: 'text/javascript', body: '' }));
  await page.goto(`${empty}/documents`);
  await chooser(page).setInputFiles([file('Kept.txt', 'words'), file('Nothing in it.txt', '')]);
  await page.getByRole('button', { name: 'Add to the case' }).click();
  await page.getByText('Refused').waitFor();
}, 422);
look('document', priya, async page => {
  await page.goto(`${known}/documents`);
  await page.getByRole('link', { name: /^Client care letter/ }).click();
  await page.getByRole('heading', { name: 'Versions' }).waitFor();
});
look('document checked out with a mistake', priya, async page => {
  await page.goto(`${known}/documents`);
  await page.getByRole('row').filter({ hasText: 'Payslip' }).getByRole('link', { name: /Payslip/ }).first().click();
  await page.getByRole('button', { name: 'Check out' }).click();
  await page.getByText('You have it checked out').waitFor();
  await chooser(page).setInputFiles(file('Payslip.txt', 'words'));
  await page.getByRole('button', { name: 'Keep as version 2' }).click();
  await page.getByRole('heading', { name: 'There is a problem' }).waitFor();
}, 422);
look('document with a long name', priya, async page => {
  await page.goto(`${known}/documents`);
  await page.getByRole('link', { name: /^A name without/ }).click();
  await page.getByRole('heading', { name: 'Versions' }).waitFor();
});
look('document in the trash', priya, page => page.goto(trashed));
look('access', priya, page => page.goto(`${known}/access`));
look('access with errors', priya, async page => {
  await page.goto(`${known}/access`);
  await page.getByRole('button', { name: 'Give access' }).click();
  await page.getByRole('heading', { name: 'There is a problem' }).waitFor();
}, 422);
look('access of a reader', as('Ruth'), page => page.goto(`${known}/access`));
look('history', priya, page => page.goto(`${known}/history`));
look('history of everything', priya, page => page.goto(`${known}/history?show=every`));
look('account', priya, at('/account'));
look('help', priya, at('/help'));
look('404', priya, at('/nowhere'), 404);
look('403', priya, async page => {
  await page.goto('/account');
  await page.locator('form[action="/account/theme"] [name="csrf"]').evaluate(field => { field.value = 'not the token'; });
  await page.getByRole('button', { name: 'Keep this choice' }).click();
  await page.getByRole('heading', { name: 'That form could not be accepted' }).waitFor();
}, 403);

look('system', as('Tom A'), at('/system'));
for (const one of ['firm', 'mail', 'networks', 'recovery', 'terms']) look(`settings ${one}`, as('Tom A'), at(`/settings/${one}`));
for (const one of ['password', 'authenticator', 'codes']) look(`account ${one}`, as('Tom A'), at(`/account/${one}`));
look('people', as('Tom A'), at('/people'));
look('teams', as('Tom A'), at('/teams'));
look('invite', as('Tom A'), at('/people/new'));
look('kit of the system', as('Tom A'), at('/system/kit'));
look('key of the system', as('Tom A'), at('/system/key'));
look('key of the system with errors', as('Tom A'), async page => {
  await page.goto('/system/key');
  await page.getByRole('radio', { name: /Somebody types a passphrase/ }).check();
  await page.getByLabel('Passphrase', { exact: true }).fill('short');
  await page.getByRole('button', { name: 'Keep this choice' }).click();
  await page.getByRole('heading', { name: 'There is a problem' }).waitFor();
}, 422);
/** The page of an account, or one below it. */
const account = (name, below = '') => async page => {
  await page.goto('/people?q=' + encodeURIComponent(name));
  const link = page.getByRole('main').getByRole('link', { name }).first();
  await page.goto(await link.getAttribute('href') + below);
};
look('person', as('Tom A'), account('Ruth Feldman'));
look('person who is a client', as('Tom A'), account('Folake'));
for (const one of ['role', 'reset', 'leave']) look(`person ${one}`, as('Tom A'), account('Ruth Feldman', `/${one}`));
look('invited', as('Tom A'), async page => {
  await page.goto('/people/new');
  await page.getByLabel('Name', { exact: true }).fill('Ada Crane');
  await page.getByLabel('E-mail address').fill('ada.crane@pellharrow.example');
  await page.getByRole('radio', { name: 'Staff' }).check();
  await page.getByRole('button', { name: 'Invite' }).click();
  await page.getByText('The link is shown this once').waitFor();
});
look('link', nobody, at('/link'));
look('sign-in by a recovery code', nobody, async page => {
  await page.goto('/sign-in');
  await firm.password(page, 'Priya');
  await page.goto('/sign-in/recovery');
});
look('confirm', as('Tom A'), at('/confirm'));
look('recover', nobody, at('/recover'));
look('account of the administrator', as('Tom A'), at('/account'));
look('account questions', as('Tom A'), at('/account/questions'), 404);
look('404 of the administrator', as('Tom A'), at('/cases'), 404);
look('home', as('Folake'), at('/home'));
look('account of a client', as('Folake'), at('/account'));
look('help of a client', as('Folake'), at('/help'));
look('404 of a client', as('Folake'), at('/cases'), 404);

// States that somebody has to bring about.
look('kit just made', as('Tom A'), async page => {
  await page.goto('/system/kit');
  await page.getByRole('button', { name: 'Make the recovery kit' }).click();
  await page.getByRole('heading', { name: 'Show that it is on paper' }).waitFor();
});
look('account codes made', as('Tom A'), async page => {
  await page.goto('/account/codes');
  await page.getByRole('button', { name: 'Make ten new codes' }).click();
  await page.locator('#codes li').nth(9).waitFor();
});
look('settings recovery open', as('Tom A'), async page => {
  await page.goto('/settings/recovery');
  await page.getByRole('radio', { name: /^Open/ }).check();
  await page.getByRole('button', { name: 'Keep these settings' }).click();
  await page.getByText('It is open.').waitFor();
});
look('account questions open', as('Tom A'), at('/account/questions'));
look('recover open', nobody, at('/recover'));
look('account authenticator begun', as('Tom A'), async page => {
  await page.goto('/account/authenticator');
  await page.getByRole('button', { name: 'Begin' }).click();
  await page.getByLabel('Code from the new app').waitFor();
});
look('networks on trial', as('Tom A'), async page => {
  await page.goto('/settings/networks');
  await page.getByLabel('System administrators').fill('127.0.0.0/8\n::1');
  await page.getByRole('button', { name: 'Try these networks' }).click();
  await page.getByRole('button', { name: 'Yes, keep them' }).waitFor();
});
look('team with somebody', as('Tom A'), async page => {
  await page.goto('/teams');
  await page.getByLabel('Name', { exact: true }).fill('Housing');
  await page.getByRole('button', { name: 'Make the team' }).click();
  const choice = page.getByLabel('Add a colleague to Housing');
  await choice.selectOption(await choice.locator('option').filter({ hasText: 'Ruth Feldman' }).getAttribute('value'));
  await page.getByRole('button', { name: 'Add to Housing' }).click();
  await page.getByRole('region', { name: 'Housing' }).getByRole('link', { name: 'Ruth Feldman' }).waitFor();
});
