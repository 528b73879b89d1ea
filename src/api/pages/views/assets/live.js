/* global document, location, window */
// Refreshes a part of the page every two seconds while a request is running.
// Without this script the whole page reloads.
const EVERY_MS = 2000;
const region = document.querySelector('[data-live]');
const spoken = document.querySelector('[data-spoken]');

/** Whether the visitor is selecting or typing something, which a reload would lose. */
const isBusy = () =>
  document.querySelector('input:checked') !== null ||
  document.activeElement?.matches('input, textarea, select') === true;

/** Whether the visitor is opening another page, which a reload would cancel. A download leaves this one open. */
let isLeaving = false;
window.addEventListener('beforeunload', () => {
  isLeaving = true;
  setTimeout(() => (isLeaving = false), EVERY_MS);
});

async function refresh() {
  if (!document.hidden && !isLeaving) {
    try {
      const response = await fetch(region.dataset.live, {
        headers: { Accept: 'text/html' },
        redirect: 'error',
      });
      if (response.ok) {
        const text = await response.text();
        // Unchanged content stays, so that nothing flickers or is announced twice.
        if (text !== region.dataset.shown) region.innerHTML = text;
        region.dataset.shown = text;
        const say = region.querySelector('[data-say]')?.dataset.say ?? '';
        if (spoken.textContent !== say) spoken.textContent = say;
        const hasEnded = region.querySelector('[data-ended]') !== null;
        if (hasEnded && !isLeaving) {
          if (!isBusy()) location.reload();
          return;
        }
      } else if (response.status === 401) {
        location.reload();
        return;
      }
    } catch {
      // The server is not reachable; try again in two seconds.
    }
  }
  setTimeout(refresh, EVERY_MS);
}

if (region) setTimeout(refresh, EVERY_MS);
