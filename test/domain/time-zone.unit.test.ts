import { expect, test } from 'vitest';
import { whyNotTimeZone } from '../../src/domain/time-zone.ts';

test.each([
  ...['UTC', 'Australia/Sydney', 'America/New_York', 'America/Argentina/Buenos_Aires'],
  ...['Asia/Kolkata', 'Europe/Kyiv', 'Asia/Ho_Chi_Minh', 'America/Indiana/Indianapolis'],
])('accepts %s', (name) => {
  expect(whyNotTimeZone(name)).toBeNull();
  // Every component has to know it by this name.
  expect(() => new Intl.DateTimeFormat('en', { timeZone: name })).not.toThrow();
});

test.each(['+10:00', '-05', 'UTC+10', 'GMT-3', 'Etc/GMT-10', 'Etc/UTC', 'GMT', 'Z'])(
  'refuses the fixed offset %s',
  (name) => {
    expect(whyNotTimeZone(name)).toMatch(/fixed offset.*"Australia\/Sydney", or "UTC"/);
  },
);

test.each([
  ['australia/sydney', 'Australia/Sydney'],
  ['Australia/Sidney', 'Australia/Sydney'],
  ['Australia/Melborne', 'Australia/Melbourne'],
  ['Sydney', 'Australia/Sydney'],
  ['new york', 'America/New_York'],
  ['newyork', 'America/New_York'],
  ['Australia/Syd', 'Australia/Sydney'],
  // "Asia/Baku" comes first in the alphabet, with two mistakes.
  ['Asia/Daka', 'Asia/Dhaka'],
  ['US/Eastern', 'America/New_York'],
  ['NZ', 'Pacific/Auckland'],
  ['Asia/Calcutta', 'Asia/Kolkata'],
  ['utc', 'UTC'],
])('refuses %s, and suggests %s', (name, suggestion) => {
  expect(whyNotTimeZone(name)).toBe(
    `${JSON.stringify(name)} is not a time zone. Did you mean "${suggestion}"?`,
  );
});

test('suggests at most three names, if they have as many mistakes', () => {
  expect(whyNotTimeZone('Africa/Bam')).toBe(
    '"Africa/Bam" is not a time zone. Did you mean "Africa/Bamako" or "Africa/Juba" or "Africa/Lome"?',
  );
});

test.each(['', 'XYZ', 'Middle-earth/Shire', 'Australia/Sy', 'x'.repeat(100)])(
  'refuses %j, without a suggestion',
  (name) => {
    expect(whyNotTimeZone(name)).toBe(
      `${JSON.stringify(name)} is not a time zone: use an IANA name such as "Australia/Sydney"`,
    );
  },
);

test('refuses a name with a line break', () => {
  expect(whyNotTimeZone('Australia/Sydney\n')).toBe(
    '"Australia/Sydney\\n" is not a time zone. Did you mean "Australia/Sydney"?',
  );
});

test('repeats only the beginning of a huge name', () => {
  for (const length of [101, 1_000_000]) {
    expect(whyNotTimeZone('x'.repeat(length))).toBe(
      `"${'x'.repeat(100)}…" is not a time zone: use an IANA name such as "Australia/Sydney"`,
    );
  }
});
