import { groupDigits } from '../../domain/format.ts';

/** The progress of some work. */
export interface Standing {
  /** What is being done: `Archiving 2026-05`. */
  readonly what: string;
  /** What is counted: `events`; `bytes` are shown as MiB. */
  readonly unit: string;
  readonly done: number;
  /** Null if not known yet. */
  readonly total: number | null;
  /** What was done before this run; not part of the speed. */
  readonly from: number;
  readonly elapsedMs: number;
  /** Further text: `27 invoiced, 1 parked`. */
  readonly remark?: string | undefined;
}

const BAR_COLUMNS = 28;
/** No speed is shown earlier, because it would be random. */
const SPEED_AFTER_MS = 1_000;
const MIB = 1024 * 1024;

/** `Archiving 2026-05: 45 %, 12,300 of 27,000 events, 1,234/s, 12 s left`. */
export function renderStanding(standing: Standing): string {
  const { what, unit, done, total } = standing;
  return `${what}: ${[
    ...(total === null ? [] : [percent(done, total)]),
    total === null
      ? `${count(done, unit)} ${nameOf(unit)}`
      : `${count(done, unit)} of ${count(total, unit)} ${nameOf(unit)}`,
    ...speedOf(standing),
  ].join(', ')}`;
}

/** The progress with a bar, in one line of a terminal. */
export function renderBar(standing: Standing, width: number): string {
  const { what, unit, done, total } = standing;
  const facts = [
    ...(total === null ? [] : [percent(done, total)]),
    `${count(done, unit)}${total === null ? '' : `/${count(total, unit)}`} ${nameOf(unit)}`,
    ...speedOf(standing),
  ].join(' · ');
  const room = width - what.length - facts.length - 3;
  const columns = total === null ? 0 : Math.min(BAR_COLUMNS, room);
  // A narrow terminal only has room for the figures.
  if (columns < 5) return `${what}  ${facts}`.slice(0, width - 1);
  const full = Math.floor(columns * portion(done, total ?? 0));
  return `${what} ${'━'.repeat(full)}${'─'.repeat(columns - full)} ${facts}`;
}

function speedOf({ done, total, from, elapsedMs, unit, remark }: Standing): string[] {
  const perSecond = ((done - from) * 1000) / elapsedMs;
  const isKnown = elapsedMs >= SPEED_AFTER_MS && perSecond > 0;
  const secondsLeft = total === null ? 0 : (total - done) / perSecond;
  return [
    ...(isKnown ? [`${rate(perSecond, unit)}/s`] : []),
    ...(isKnown && secondsLeft > 0 ? [`${renderDuration(secondsLeft)} left`] : []),
    ...(remark ? [remark] : []),
  ];
}

function portion(done: number, total: number): number {
  return total === 0 ? 1 : Math.min(1, done / total);
}

/** Rounded down, so that 100 % means done. */
function percent(done: number, total: number): string {
  return `${Math.floor(100 * portion(done, total))} %`;
}

function nameOf(unit: string): string {
  return unit === 'bytes' ? 'MiB' : unit;
}

function count(value: number, unit: string): string {
  return unit === 'bytes' ? (value / MIB).toFixed(1) : groupDigits(value);
}

function rate(perSecond: number, unit: string): string {
  if (unit === 'bytes') return `${(perSecond / MIB).toFixed(1)} MiB`;
  return perSecond < 10 ? perSecond.toFixed(1) : groupDigits(Math.floor(perSecond));
}

/** `12 s`, `3 min 05 s`, `2 h 10 min`. */
export function renderDuration(seconds: number): string {
  const whole = Math.ceil(seconds);
  const pad = (value: number) => String(value).padStart(2, '0');
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
}
