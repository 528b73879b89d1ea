/** Instructions if there is no Chromium. */
export const HOW_TO_GET_CHROMIUM: string;

/** Returns the browser for tests and screenshots: CHROMIUM if it is set, otherwise one found on the machine. */
export function findChromium(): string | undefined;
