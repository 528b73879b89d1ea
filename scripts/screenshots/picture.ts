import type { Locator, Page } from 'playwright-core';
import type { Shop } from './shop.ts';

/** While the month is being closed, after it was closed, or after that with PostgreSQL stopped. */
export type Moment = 'closing' | 'closed' | 'outage';

/** A picture of the documentation: `docs/images/NAME.png`. */
export interface Picture {
  readonly name: string;
  /** What it shows, in one line. */
  readonly shows: string;
  /** Default: `closed`. */
  readonly when?: Moment;
  /** Size of the browser window in CSS pixels, and of the picture in pixels. */
  readonly size: { readonly width: number; readonly height: number };
  /** Navigates a new page to the subject and returns the area to capture. */
  readonly show: (page: Page, shop: Shop) => Promise<Area>;
}

/** A part of the window, in CSS pixels. */
export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Returns the area of an element. */
export async function areaOf(locator: Locator): Promise<Area> {
  const area = await locator.boundingBox();
  if (area === null) throw new Error(`${locator.toString()} isn't visible`);
  return area;
}

/** Returns the window's whole width, down to just below an element. */
export async function downTo(page: Page, last: Locator): Promise<Area> {
  const { y, height } = await areaOf(last);
  return {
    x: 0,
    y: 0,
    width: widthOf(page),
    height: Math.min(y + height + MARGIN, heightOf(page)),
  };
}

/** Returns the window from an element, including its left margin, down to the next one. */
export async function between(page: Page, first: Locator, next: Locator): Promise<Area> {
  const { x, y } = await areaOf(first);
  const left = x - MARGIN;
  const end = (await areaOf(next)).y - MARGIN;
  return { x: left, y, width: widthOf(page) - left, height: end - y };
}

/** Returns the whole window. */
export function wholeWindow(page: Page): Area {
  return { x: 0, y: 0, width: widthOf(page), height: heightOf(page) };
}

const MARGIN = 12;

function widthOf(page: Page): number {
  return page.viewportSize()?.width ?? 0;
}

function heightOf(page: Page): number {
  return page.viewportSize()?.height ?? 0;
}
