import type { BrowserContextOptions } from 'playwright-core';

/** The sizes that pages are looked at in, in CSS pixels. */
const VIEWPORTS = {
  desktop: { width: 1280, height: 800 },
  phone: { width: 390, height: 844 },
} as const;

export interface Look {
  /** Default: `desktop`. A phone has a finger, too. */
  readonly size?: keyof typeof VIEWPORTS;
  /** Default: `light`. */
  readonly scheme?: 'light' | 'dark';
}

/** Every look that a page of ours has to do well in. */
export const LOOKS = [
  { size: 'desktop', scheme: 'light' },
  { size: 'desktop', scheme: 'dark' },
  { size: 'phone', scheme: 'light' },
  { size: 'phone', scheme: 'dark' },
] as const satisfies readonly Look[];

/** What a browser's context has to be told for it; the same everywhere, whatever the machine's clock is set to. */
export function contextOptions({
  size = 'desktop',
  scheme = 'light',
}: Look): BrowserContextOptions {
  return {
    viewport: VIEWPORTS[size],
    colorScheme: scheme,
    reducedMotion: 'reduce',
    hasTouch: size === 'phone',
    isMobile: size === 'phone',
    locale: 'en-AU',
    timezoneId: 'UTC',
  };
}
