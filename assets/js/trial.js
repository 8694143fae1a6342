// Counts down while networks are on trial. Optional: the page says until when without it.
const place = document.querySelector('[data-seconds]');
const words = place.closest('[data-trial-over]');
const end = performance.now() + Number(place.textContent) * 1000;

const timer = setInterval(() => {
  const left = Math.ceil((end - performance.now()) / 1000);
  if (left > 0) {
    place.textContent = left;
    return;
  }
  clearInterval(timer);
  words.textContent = words.dataset.trialOver;
  words.parentElement.querySelector('form').hidden = true;
}, 1000);
