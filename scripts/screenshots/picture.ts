import type { Locator, Page } from 'playwright-core';
import type { Shop } from './shop.ts';

/** A picture of the documentation: `docs/images/NAME.png`. */
export interface Picture {
  readonly name: string;
  /** What is to be seen, in a line. */
  readonly shows: string;
  /** By default after the month was closed. */
  readonly whileClosing?: boolean;
  /** Of the browser's window, in CSS pixels; the picture has as many. */
  readonly size: { readonly width: number; readonly height: number };
  /** Brings a new page to what is to be seen, and says which part of it that is. */
  readonly show: (page: Page, shop: Shop) => Promise<Area>;
}

/** A part of the window, in CSS pixels. */
export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Where an element is. */
export async function areaOf(locator: Locator): Promise<Area> {
  const area = await locator.boundingBox();
  if (area === null) throw new Error(`${locator.toString()} isn't to be seen`);
  return area;
}

/** The window's whole width, down to a little below an element. */
export async function downTo(page: Page, last: Locator): Promise<Area> {
  const { y, height } = await areaOf(last);
  return {
    x: 0,
    y: 0,
    width: widthOf(page),
    height: Math.min(y + height + MARGIN, heightOf(page)),
  };
}

/** The window from an element on, its left margin included, down to the next one. */
export async function between(page: Page, first: Locator, next: Locator): Promise<Area> {
  const { x, y } = await areaOf(first);
  const left = x - MARGIN;
  const end = (await areaOf(next)).y - MARGIN;
  return { x: left, y, width: widthOf(page) - left, height: end - y };
}

/** All of the window. */
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
