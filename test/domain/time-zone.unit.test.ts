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
  ['US/Eastern', 'America/New_York'],
  ['NZ', 'Pacific/Auckland'],
  ['Asia/Calcutta', 'Asia/Kolkata'],
  ['utc', 'UTC'],
])('refuses %s, and suggests %s', (name, suggestion) => {
  expect(whyNotTimeZone(name)).toBe(
    `${JSON.stringify(name)} is not a time zone. Did you mean "${suggestion}"?`,
  );
});

test.each(['', 'Middle-earth/Shire', 'Australia/Sydney\n'])('refuses %j', (name) => {
  expect(whyNotTimeZone(name)).toContain('is not a time zone');
});

test('repeats only the beginning of a huge name', () => {
  const answer = whyNotTimeZone('x'.repeat(1_000_000));
  expect(answer).toContain('xxx…" is not a time zone');
  expect(answer?.length).toBeLessThan(300);
});
