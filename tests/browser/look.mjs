// What is wrong with a page as it stands: barriers, sideways scrolling, headings. A picture of it is kept, light and dark, wide and narrow.
import { AxeBuilder } from '@axe-core/playwright';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { HERE } from './firm.mjs';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
export const WIDTHS = [1280, 390];
const SCHEMES = ['light', 'dark'];
export const HEIGHT = { 1280: 900, 390: 844, 320: 640 };
export const SHOTS = join(HERE, 'shots');

await mkdir(SHOTS, { recursive: true });

const say = ({ id, nodes }) => nodes.map(node => `${id}: ${node.target.join(' ')}: ${node.failureSummary.replace(/\s+/g, ' ')}`);

/** What is wrong with the page as it stands now. */
export const faults = async (page, shot) => {
  const wrong = [];
  for (const scheme of SCHEMES) {
    await page.emulateMedia({ colorScheme: scheme });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: HEIGHT[width] });
      const { violations } = await new AxeBuilder({ page }).withTags(TAGS).setLegacyMode(true).analyze();
      wrong.push(...violations.flatMap(say).map(words => `${width} ${scheme}: ${words}`));
      await page.screenshot({ path: join(SHOTS, `${shot}-${width}-${scheme}.png`), fullPage: true });
    }
  }
  for (const width of [...WIDTHS, 320]) {
    await page.setViewportSize({ width, height: HEIGHT[width] });
    const wide = await page.evaluate(() => {
      const room = document.documentElement.clientWidth;
      if (document.documentElement.scrollWidth <= room) return [];
      const out = [...document.querySelectorAll('body *')].filter(one => one.getBoundingClientRect().right > room + 0.5);
      return ['the page', ...out.map(one => `${one.localName}.${one.classList}`)].slice(0, 6);
    });
    if (wide.length) wrong.push(`${width}: scrolls sideways: ${wide.join(', ')}`);
  }
  const heads = await page.getByRole('heading', { level: 1 }).count();
  if (heads !== 1) wrong.push(`${heads} headings of level 1`);
  return wrong;
};
