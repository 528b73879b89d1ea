/** Where it isn't there, what to do about it. */
export const HOW_TO_GET_CHROMIUM: string;

/** The browser that tests and screenshots drive: CHROMIUM, and nothing else where that is set. */
export function findChromium(): string | undefined;
