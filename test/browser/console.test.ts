/** Goal: a person with a key sees that nothing is lost, reads a curve, and follows an amount down. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Browser, openBrowser } from './chromium.ts';
import { type ConsoleWorld, openConsoleWorld } from './console-world.ts';

describe('the console', () => {
  let world: ConsoleWorld;
  let browser: Browser;
  beforeAll(async () => {
    world = await openConsoleWorld();
    // A viewer far away, whose own clock changes on another day than the meters'.
    browser = await openBrowser('America/New_York');
  });
  afterAll(async () => {
    await browser?.close();
    await world?.stop();
  });

  const go = async (hash: string) => {
    await browser.page.goto(`${world.url}${hash}`);
  };
  const text = (selector: string) => browser.page.locator(selector).textContent();
  const legend = (quality: string) =>
    browser.page.locator(`.load-figure [data-quality=${quality}] b`).textContent();

  it('lets nobody in without a good key, and says why', async () => {
    const { page, complaints } = browser;
    await go('');
    await page.fill('#key', 'ml_000000000000_wrong');
    await page.keyboard.press('Enter');
    await page.getByText('The key was refused').waitFor();
    // The browser itself notes a 401; nothing else may be there.
    expect(complaints.filter((c) => !c.includes('401'))).toEqual([]);
    browser.complaints.length = 0;
    await page.fill('#key', world.token);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    expect(page.url()).not.toContain(world.token);
  });

  it('shows that offered = stored + duplicate + rejected + quarantined', async () => {
    const row = browser.page.locator('tr[data-total]');
    await row.waitFor();
    const cells = await row.locator('td.number').allTextContents();
    const [, , offered, stored, duplicate, rejected, quarantined] = cells.map((cell) =>
      Number(cell.replaceAll(',', '')),
    );
    // Two homes and one of them again, the stranger's three, and what was estimated.
    expect({ duplicate, rejected, quarantined }).toEqual({
      duplicate: 2_977,
      rejected: 0,
      quarantined: 3,
    });
    expect(offered).toBe(2_977 + 2_940 + 2_977 + 3 + 3);
    expect(stored).toBe(2_977 + 2_940 + 3);
    expect(await row.textContent()).toContain('balances');
    expect(await text('[data-tables]')).toContain('balances');
    await browser.page.getByText('METER_UNKNOWN').waitFor();
  });

  it('finds a meter and draws its day: what is missing is missing', async () => {
    const { page } = browser;
    await page.getByRole('link', { name: 'Meters' }).click();
    await page.getByLabel('Search').fill('a-2');
    await page.getByRole('link', { name: 'M-1', exact: true }).waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'M-2', exact: true }).click();
    await page.getByRole('heading', { name: 'Meter M-2' }).waitFor();
    await page.getByLabel('Day', { exact: true }).fill('2026-10-10');
    await page.locator('.load-figure [data-quality=missing]').waitFor();
    await page.locator('.plot canvas').waitFor();
    expect(await legend('missing')).toBe('40');
    expect(await legend('actual')).toBe('56');
  });

  it('walks the curve with the keyboard', async () => {
    const { page } = browser;
    const plot = page.getByRole('slider');
    await plot.focus();
    await page.keyboard.press('End');
    expect(await plot.getAttribute('aria-valuenow')).toBe('95');
    await page.keyboard.press('ArrowLeft');
    expect(await plot.getAttribute('aria-valuetext')).toMatch(/kWh · actual$/);
    expect(await plot.getAttribute('aria-valuetext')).not.toContain('·  ·');
  });

  it('draws what was estimated as estimated', async () => {
    await go('#/meters/M-1?date=2026-10-12');
    await browser.page.locator('.load-figure [data-quality=estimated]').waitFor();
    expect(await legend('estimated')).toBe('3');
    expect(await legend('actual')).toBe('93');
  });

  it('shows a day of 25 hours at the place, both hours named, and the versions of one interval', async () => {
    const { page } = browser;
    await go('#/meters/M-1?date=2026-10-25');
    await page.getByText('25 h day').waitFor();
    await page.getByText('02:15 CEST–02:30 CEST').waitFor();
    expect(await legend('actual')).toBe('100');
    await page.getByText('02:15 CET–02:30 CET').click();
    await page
      .locator('[data-versions="2026-10-25T01:15:00Z"]')
      .getByText('stands', { exact: true })
      .waitFor();
  });

  it('follows an invoice from its total to the intervals behind a line', async () => {
    const { page } = browser;
    await page.getByRole('link', { name: 'Bills' }).click();
    await page.getByRole('link', { name: 'INV-0000001' }).click();
    await page.getByText('lines and taxes add up to the total').waitFor();
    expect(await page.getByText('add up', { exact: true }).count()).toBe(3);
    await page.locator('tbody a', { hasText: 'import:P3:v0' }).first().click();
    const intervals = page.locator('[data-determinant="import:P3:v0"]');
    await intervals.waitFor();
    expect(await intervals.locator('tbody tr').count()).toBe(100);
    expect(await intervals.textContent()).toContain('Europe/Madrid');
    expect(await intervals.locator('tbody tr').first().textContent()).toContain('1 Oct 2026 00:00');
    await intervals.locator('tbody button').first().click();
    await intervals.getByText('billed from this version').waitFor();
  });

  it('signs out when the key dies, and complains about nothing', async () => {
    expect(browser.complaints).toEqual([]);
    await browser.page.getByRole('button', { name: 'Sign out' }).click();
    await browser.page.getByLabel('API key').waitFor();
    expect(await browser.page.evaluate('sessionStorage.length')).toBe(0);
  });
});
