import type { TestContext } from 'node:test';
import { chromium, type Page } from 'playwright-core';

/** A page of a real headless Chromium (`CHROMIUM_PATH`, else /usr/bin/chromium), closed after the test. An error on the
 * page fails the test that is running. */
export async function openPage(
  t: TestContext,
  url: string | undefined,
  options: { width?: number; height?: number; colorScheme?: 'light' | 'dark' } = {},
): Promise<Page> {
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
  });
  t.after(() => browser.close());
  const { width = 1_280, height = 860, colorScheme = 'light' } = options;
  const page = await browser.newPage({ viewport: { width, height }, colorScheme });
  page.setDefaultTimeout(15_000);
  page.on('pageerror', (error) => {
    throw error;
  });
  await page.goto(url ?? '');
  return page;
}
