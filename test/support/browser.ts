import type { Lifetime } from '@postern/runtime';
import { type BrowserContextOptions, chromium, type Page } from 'playwright-core';

export interface OpenedPage {
  page: Page;
  /** What the browser complained about: errors of scripts, refused content, failed loads. */
  complaints: string[];
}

/** Opens a page in the system's Chromium, headless; the browser is closed with the lifetime. */
export async function openPage(
  lifetime: Lifetime,
  url: string,
  options: BrowserContextOptions = {},
): Promise<OpenedPage> {
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking'],
  });
  lifetime.use(browser, (opened) => opened.close());
  const page = await browser.newPage({ viewport: { width: 900, height: 1000 }, ...options });
  page.setDefaultTimeout(15_000);
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(url);
  return { page, complaints };
}
