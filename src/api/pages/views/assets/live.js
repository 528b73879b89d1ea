/* global document, location */
// While a month is being closed, reads the part of the page that moves again, every two seconds.
// Without it the page reloads as a whole.
const EVERY_MS = 2000;
const region = document.querySelector('[data-live]');
const spoken = document.querySelector('[data-spoken]');

/** Reading it may wait: nobody looks, or somebody is about to choose something. */
const isBusy = () =>
  document.querySelector('input:checked') !== null ||
  document.activeElement?.matches('input, textarea, select') === true;

async function refresh() {
  if (!document.hidden) {
    try {
      const response = await fetch(region.dataset.live, {
        headers: { Accept: 'text/html' },
        redirect: 'error',
      });
      if (response.ok) {
        const text = await response.text();
        // What hasn't changed stays: nothing flickers, and nothing is read out twice.
        if (text !== region.dataset.shown) region.innerHTML = text;
        region.dataset.shown = text;
        const say = region.querySelector('[data-say]')?.dataset.say ?? '';
        if (spoken.textContent !== say) spoken.textContent = say;
        const hasEnded = region.querySelector('[data-ended]') !== null;
        if (hasEnded && !isBusy()) location.reload();
        if (hasEnded) return;
      } else if (response.status === 401) {
        location.reload();
        return;
      }
    } catch {
      // Away for a moment; the next one is two seconds away.
    }
  }
  setTimeout(refresh, EVERY_MS);
}

if (region) setTimeout(refresh, EVERY_MS);
